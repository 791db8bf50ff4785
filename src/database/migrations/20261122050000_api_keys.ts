import { Migration } from '@mikro-orm/migrations'

const table = `create table "api_keys" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "organization_id" uuid not null,
    "key_hash" text not null,
    "last_eight" text not null,
    "name" text not null,
    "description" text null,
    "service" text not null,
    "scopes" jsonb not null,
    "created_by" uuid null,
    "last_used_at" timestamptz(3) null,
    "expires_at" timestamptz(3) null,
    "deactivated_at" timestamptz(3) null,
    "revoked_at" timestamptz(3) null,
    "rotated_to" uuid null,
    "line_id" uuid not null,
    "rate_limit_per_minute" int null,
    primary key ("id")
  )`

const constraints = [
  `alter table "api_keys" add constraint "api_keys_key_hash_unique" unique ("key_hash")`,
  `alter table "api_keys" add constraint "api_keys_organization_id_id_unique" unique ("organization_id", "id")`,
  `alter table "api_keys" add constraint "api_keys_organization_id_foreign" foreign key ("organization_id") references "organizations" ("id")`,
  `alter table "api_keys" add constraint "api_keys_created_by_foreign" foreign key ("created_by") references "users" ("id")`,
  // Foreign-key checks bypass row-level security: with the organization in the key, a reference cannot cross.
  `alter table "api_keys" add constraint "api_keys_rotated_to_same_organization" foreign key ("organization_id", "rotated_to") references "api_keys" ("organization_id", "id")`,
]

const rowLevelSecurity = [
  `alter table "api_keys" enable row level security`,
  `alter table "api_keys" force row level security`,
  `create policy "api_keys_authentication" on "api_keys" for select to "tenantry_authentication" using (true)`,
  `create policy "api_keys_authentication_use" on "api_keys" for update to "tenantry_authentication" using (true) with check (true)`,
  `create policy "api_keys_tenant_policy" on "api_keys" using ("organization_id" = current_setting('mikro.tenant.organizationId')::uuid)`,
]

const shown = `id, created_at, updated_at, organization_id, last_eight, name, description, service, scopes, created_by,
  last_used_at, expires_at, deactivated_at, revoked_at, rotated_to, line_id, rate_limit_per_minute`

/** Column by column: whoever manages keys never reads a hash, and whoever looks keys up can change nothing but their use. */
const grants = [
  `grant select (${shown}), insert on api_keys to tenantry_server`,
  `grant update (name, description, scopes, expires_at, deactivated_at, revoked_at, rotated_to, rate_limit_per_minute,
    updated_at) on api_keys to tenantry_server`,
  `grant select (id, organization_id, key_hash, scopes, last_used_at, expires_at, deactivated_at, revoked_at, line_id,
    rate_limit_per_minute) on api_keys to tenantry_authentication`,
  'grant update (last_used_at) on api_keys to tenantry_authentication',
]

/** API keys: services' credentials, each of one organization. */
export class ApiKeys extends Migration {
  override up(): void {
    for (const statement of [table, ...constraints, ...rowLevelSecurity, ...grants]) this.addSql(statement)
  }
}
