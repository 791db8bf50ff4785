import { Migration } from '@mikro-orm/migrations'

/** What an issuer calls an organization. The platform's staff say it; neither its members nor sign-in can. */
export class ExternalIssuers extends Migration {
  override up(): void {
    this.addSql('alter table "organizations" add column "external_id" text null')
    this.addSql(
      'create unique index "organizations_external_id_unique" on "organizations" ("external_id") where deleted_at is null',
    )
    this.addSql('grant update (external_id, updated_at) on organizations to tenantry_operator')
  }
}
