import { Migration } from '@mikro-orm/migrations'

const statements = [
  `create table "signing_keys" (
    "kid" text not null,
    "algorithm" text not null,
    "public_jwk" jsonb not null,
    "private_key" text null,
    "created_at" timestamptz(3) not null,
    "signs_from" timestamptz(3) not null,
    "signs_until" timestamptz(3) null,
    "revoked_at" timestamptz(3) null,
    primary key ("kid")
  )`,
  `alter table "signing_keys" add constraint "signing_keys_algorithm_check" check ("algorithm" in ('RS256', 'ES256'))`,
  'alter table "signing_keys" enable row level security',
  'alter table "signing_keys" force row level security',
  'create policy "signing_keys_read" on "signing_keys" for select to "tenantry_authentication" using (true)',
  'create policy "signing_keys_insert" on "signing_keys" for insert to "tenantry_authentication" with check (true)',
  'create policy "signing_keys_update" on "signing_keys" for update to "tenantry_authentication" using (true) with check (true)',
  'grant select, insert on signing_keys to tenantry_authentication',
  // What a key is never changes; only when it signs, and that its private half is no longer needed.
  'grant update (private_key, signs_from, signs_until, revoked_at) on signing_keys to tenantry_authentication',
]

/** The keys that sign access tokens, shared by all instances. */
export class SigningKeys extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement)
  }
}
