import { Migration } from '@mikro-orm/migrations'

/** The platform's staff end sessions, and need to see which; the hashes of refresh tokens are none of their business. */
export class Operators extends Migration {
  override up(): void {
    this.addSql('revoke select on sessions from tenantry_operator')
    this.addSql('grant select (id, user_id, revoked_at) on sessions to tenantry_operator')
  }
}
