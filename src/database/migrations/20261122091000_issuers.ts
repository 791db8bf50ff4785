import { Migration } from '@mikro-orm/migrations'

const table = `create table "issuers" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "organization_id" uuid not null,
    "issuer" text not null,
    "jwks_uri" text null,
    "audiences" jsonb not null,
    "algorithms" jsonb not null,
    "scope_claim" text not null,
    "scope_map" jsonb not null,
    "max_scopes" jsonb not null,
    "created_by" uuid not null,
    "disabled_at" timestamptz(3) null,
    primary key ("id")
  )`

const constraints = [
  `alter table "issuers" add constraint "issuers_organization_id_id_unique" unique ("organization_id", "id")`,
  `create unique index "issuers_organization_id_issuer_unique" on "issuers" ("organization_id", "issuer") where disabled_at is null`,
  `alter table "issuers" add constraint "issuers_organization_id_foreign" foreign key ("organization_id") references "organizations" ("id")`,
  `alter table "issuers" add constraint "issuers_created_by_foreign" foreign key ("created_by") references "users" ("id")`,
]

const rowLevelSecurity = [
  `alter table "issuers" enable row level security`,
  `alter table "issuers" force row level security`,
  `create policy "issuers_authentication" on "issuers" for select to "tenantry_authentication" using (true)`,
  `create policy "issuers_tenant_policy" on "issuers" using ("organization_id" = current_setting('mikro.tenant.organizationId')::uuid)`,
]

/** What an issuer is trusted with is never changed: it is disabled, and registered anew. */
const grants = [
  'grant select, insert on issuers to tenantry_server',
  'grant update (disabled_at, updated_at) on issuers to tenantry_server',
  `grant select (id, organization_id, issuer, jwks_uri, audiences, algorithms, scope_claim, scope_map, max_scopes, disabled_at)
    on issuers to tenantry_authentication`,
]

/** Issuers that organizations have registered, each for itself. */
export class Issuers extends Migration {
  override up(): void {
    for (const statement of [table, ...constraints, ...rowLevelSecurity, ...grants]) this.addSql(statement)
  }
}
