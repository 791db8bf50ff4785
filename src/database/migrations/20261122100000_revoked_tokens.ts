import { Migration } from '@mikro-orm/migrations'

const KINDS = `'SESSION', 'USER', 'MEMBERSHIP', 'ORGANIZATION', 'TOKEN'`

/** Single access tokens can be revoked (RFC 7009). */
export class RevokedTokens extends Migration {
  override up(): void {
    this.addSql('create index "revocations_kind_subject_id_index" on "revocations" ("kind", "subject_id")')
    this.addSql('alter table "revocations" drop constraint "revocations_kind_check"')
    this.addSql(`alter table "revocations" add constraint "revocations_kind_check" check ("kind" in (${KINDS}))`)
  }
}
