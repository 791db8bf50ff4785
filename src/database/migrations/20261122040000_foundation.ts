import { Migration } from '@mikro-orm/migrations'

/** Makes a role of the database cluster where another database has not made it already. */
const createRole = (name: string) => `
  do $$ begin
    create role ${name} nologin noinherit nosuperuser nobypassrls nocreatedb nocreaterole noreplication;
  exception when duplicate_object or unique_violation then null;
  end $$`

const tables = [
  `create table "audit_events" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "organization_id" uuid null,
    "action" text not null,
    "actor_kind" text null,
    "actor_id" text null,
    "target_type" text null,
    "target_id" text null,
    "succeeded" boolean not null,
    "details" jsonb null,
    "ip_address" text null,
    "user_agent" text null,
    "request_id" text null,
    primary key ("id")
  )`,
  `create table "organizations" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "deleted_at" timestamptz(3) null,
    "name" text not null,
    "slug" text not null,
    "requires_tenant_api_key" boolean not null default false,
    "suspended_at" timestamptz(3) null,
    "suspension_reason" text null,
    primary key ("id")
  )`,
  `create table "projects" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "deleted_at" timestamptz(3) null,
    "organization_id" uuid not null,
    "name" text not null,
    "description" text null,
    primary key ("id")
  )`,
  `create table "gateways" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "deleted_at" timestamptz(3) null,
    "organization_id" uuid not null,
    "project_id" uuid not null,
    "name" text not null,
    primary key ("id")
  )`,
  `create table "revocations" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "kind" text not null,
    "subject_id" uuid not null,
    "below_version" int null,
    "expires_at" timestamptz(3) not null,
    primary key ("id")
  )`,
  `create table "sign_in_failures" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "subject" text not null,
    "failures" int not null,
    "last_failed_at" timestamptz(3) not null,
    "blocked_until" timestamptz(3) not null,
    primary key ("id")
  )`,
  `create table "users" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "deleted_at" timestamptz(3) null,
    "email" text not null,
    "first_name" text null,
    "last_name" text null,
    "is_superuser" boolean not null default false,
    "deactivated_at" timestamptz(3) null,
    "last_login_at" timestamptz(3) null,
    "last_organization_id" uuid null,
    "token_version" int not null default 1,
    primary key ("id")
  )`,
  `create table "sessions" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "user_id" uuid not null,
    "organization_id" uuid null,
    "token_hash" text not null,
    "previous_token_hash" text null,
    "successor_nonce" bytea null,
    "reuse_key" bytea not null,
    "rotated_at" timestamptz(3) null,
    "last_used_at" timestamptz(3) not null,
    "idle_expires_at" timestamptz(3) not null,
    "expires_at" timestamptz(3) not null,
    "revoked_at" timestamptz(3) null,
    "user_agent" text null,
    "ip_address" text null,
    primary key ("id")
  )`,
  `create table "passwords" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "user_id" uuid not null,
    "hash" text not null,
    primary key ("id")
  )`,
  `create table "memberships" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "organization_id" uuid not null,
    "user_id" uuid not null,
    "role" text not null,
    "version" int not null default 1,
    primary key ("id")
  )`,
]

const constraints = [
  `create index "audit_events_organization_id_id_index" on "audit_events" ("organization_id", "id")`,
  `create index "audit_events_organization_id_action_id_index" on "audit_events" ("organization_id", "action", "id")`,
  `create index "audit_events_organization_id_actor_id_id_index" on "audit_events" ("organization_id", "actor_id", "id")`,
  `alter table "audit_events" add constraint "audit_events_actor_kind_check" check ("actor_kind" in ('USER', 'OPERATOR', 'API_KEY', 'EXTERNAL'))`,
  `alter table "organizations" add constraint "organizations_slug_unique" unique ("slug")`,
  `create index "projects_organization_id_created_at_id_index" on "projects" ("organization_id", "created_at", "id")`,
  `create index "projects_organization_id_name_id_index" on "projects" ("organization_id", "name", "id")`,
  `alter table "projects" add constraint "projects_organization_id_id_unique" unique ("organization_id", "id")`,
  `create index "gateways_organization_id_project_id_created_at_id_index" on "gateways" ("organization_id", "project_id", "created_at", "id")`,
  `create index "gateways_organization_id_created_at_id_index" on "gateways" ("organization_id", "created_at", "id")`,
  `create index "gateways_organization_id_name_id_index" on "gateways" ("organization_id", "name", "id")`,
  `alter table "gateways" add constraint "gateways_organization_id_id_unique" unique ("organization_id", "id")`,
  `create index "revocations_expires_at_index" on "revocations" ("expires_at")`,
  `alter table "revocations" add constraint "revocations_kind_check" check ("kind" in ('SESSION', 'USER', 'MEMBERSHIP', 'ORGANIZATION'))`,
  `alter table "sign_in_failures" add constraint "sign_in_failures_subject_unique" unique ("subject")`,
  `alter table "users" add constraint "users_email_unique" unique ("email")`,
  `create index "sessions_user_id_id_index" on "sessions" ("user_id", "id")`,
  `alter table "passwords" add constraint "passwords_user_id_unique" unique ("user_id")`,
  `create index "memberships_user_id_organization_id_index" on "memberships" ("user_id", "organization_id")`,
  `alter table "memberships" add constraint "memberships_organization_id_id_unique" unique ("organization_id", "id")`,
  `alter table "memberships" add constraint "memberships_organization_id_user_id_unique" unique ("organization_id", "user_id")`,
  `alter table "memberships" add constraint "memberships_role_check" check ("role" in ('VIEWER', 'DEVELOPER', 'ADMIN'))`,
  `alter table "projects" add constraint "projects_organization_id_foreign" foreign key ("organization_id") references "organizations" ("id")`,
  `alter table "gateways" add constraint "gateways_organization_id_foreign" foreign key ("organization_id") references "organizations" ("id")`,
  `alter table "sessions" add constraint "sessions_user_id_foreign" foreign key ("user_id") references "users" ("id")`,
  `alter table "passwords" add constraint "passwords_user_id_foreign" foreign key ("user_id") references "users" ("id")`,
  `alter table "memberships" add constraint "memberships_organization_id_foreign" foreign key ("organization_id") references "organizations" ("id")`,
  `alter table "memberships" add constraint "memberships_user_id_foreign" foreign key ("user_id") references "users" ("id")`,
  // Foreign-key checks bypass row-level security: with the organization in the key, a reference cannot cross.
  `alter table "gateways" add constraint "gateways_project_same_organization" foreign key ("organization_id", "project_id") references "projects" ("organization_id", "id")`,
  `alter table "audit_events" add constraint "audit_events_organization_id_foreign" foreign key ("organization_id") references "organizations" ("id")`,
]

const rowLevelSecurity = [
  `alter table "audit_events" enable row level security`,
  `alter table "audit_events" force row level security`,
  `create policy "audit_events_authentication" on "audit_events" for insert to "tenantry_authentication" with check (true)`,
  `create policy "audit_events_operator" on "audit_events" for select to "tenantry_operator" using (true)`,
  `create policy "audit_events_operator_insert" on "audit_events" for insert to "tenantry_operator" with check (true)`,
  `create policy "audit_events_tenant_policy" on "audit_events" using ("organization_id" = current_setting('mikro.tenant.organizationId')::uuid)`,
  `alter table "organizations" enable row level security`,
  `alter table "organizations" force row level security`,
  `create policy "organizations_authentication" on "organizations" to "tenantry_authentication" using (true) with check (true)`,
  `create policy "organizations_operator" on "organizations" to "tenantry_operator" using (true) with check (true)`,
  `create policy "organizations_tenant_policy" on "organizations" using ("id" = current_setting('mikro.tenant.organizationId')::uuid)`,
  `alter table "projects" enable row level security`,
  `alter table "projects" force row level security`,
  `create policy "projects_tenant_policy" on "projects" using ("organization_id" = current_setting('mikro.tenant.organizationId')::uuid)`,
  `alter table "gateways" enable row level security`,
  `alter table "gateways" force row level security`,
  `create policy "gateways_tenant_policy" on "gateways" using ("organization_id" = current_setting('mikro.tenant.organizationId')::uuid)`,
  `alter table "revocations" enable row level security`,
  `alter table "revocations" force row level security`,
  `create policy "revocations_all" on "revocations" to "tenantry_server", "tenantry_authentication", "tenantry_operator" using (true) with check (true)`,
  `alter table "sign_in_failures" enable row level security`,
  `alter table "sign_in_failures" force row level security`,
  `create policy "sign_in_failures_authentication" on "sign_in_failures" to "tenantry_authentication" using (true) with check (true)`,
  `alter table "users" enable row level security`,
  `alter table "users" force row level security`,
  `create policy "users_of_the_tenant" on "users" for select to "tenantry_server" using (exists (select 1 from memberships m where m.user_id = users.id and m.organization_id = current_setting('mikro.tenant.organizationId')::uuid))`,
  `create policy "users_authentication_read" on "users" for select to "tenantry_authentication" using (true)`,
  `create policy "users_authentication_insert" on "users" for insert to "tenantry_authentication" with check (not is_superuser)`,
  `create policy "users_authentication_update" on "users" for update to "tenantry_authentication" using (true) with check (true)`,
  `create policy "users_operator" on "users" to "tenantry_operator" using (true) with check (true)`,
  `alter table "sessions" enable row level security`,
  `alter table "sessions" force row level security`,
  `create policy "sessions_authentication" on "sessions" to "tenantry_authentication" using (true) with check (true)`,
  `create policy "sessions_operator" on "sessions" for update to "tenantry_operator" using (true) with check (true)`,
  `create policy "sessions_operator_read" on "sessions" for select to "tenantry_operator" using (true)`,
  `alter table "passwords" enable row level security`,
  `alter table "passwords" force row level security`,
  `create policy "passwords_authentication" on "passwords" to "tenantry_authentication" using (true) with check (true)`,
  `alter table "memberships" enable row level security`,
  `alter table "memberships" force row level security`,
  `create policy "memberships_authentication" on "memberships" to "tenantry_authentication" using (true) with check (true)`,
  `create policy "memberships_tenant_policy" on "memberships" using ("organization_id" = current_setting('mikro.tenant.organizationId')::uuid)`,
]

/** Each role gets what its door is for, column by column where a table also holds what the door is not for. */
const grants = [
  'grant usage on schema public to tenantry_server, tenantry_authentication, tenantry_operator',
  'grant select on mikro_orm_migrations to tenantry_server',
  // The tenant door.
  'grant select, insert, update on projects, gateways to tenantry_server',
  'grant select, insert, update, delete on memberships to tenantry_server',
  'grant select on organizations, users to tenantry_server',
  'grant update (name, requires_tenant_api_key, deleted_at, updated_at) on organizations to tenantry_server',
  'grant select, insert on audit_events, revocations to tenantry_server',
  // Sign-in and self-service.
  'grant select, insert, update on sessions, passwords to tenantry_authentication',
  // Who is an operator, and whose account is closed, is not for sign-in to change.
  'grant select on users to tenantry_authentication',
  'grant insert (id, email, first_name, last_name, is_superuser, last_login_at, last_organization_id, token_version, created_at, updated_at) on users to tenantry_authentication',
  'grant update (last_login_at, last_organization_id, token_version, updated_at) on users to tenantry_authentication',
  'grant select, insert, update, delete on sign_in_failures to tenantry_authentication',
  'grant select, insert, delete on revocations to tenantry_authentication',
  'grant select, insert on organizations, memberships to tenantry_authentication',
  'grant insert on audit_events to tenantry_authentication',
  // The platform's staff.
  'grant select on organizations, users, sessions, audit_events to tenantry_operator',
  'grant update (suspended_at, suspension_reason, updated_at) on organizations to tenantry_operator',
  'grant update (is_superuser, deactivated_at, token_version, updated_at) on users to tenantry_operator',
  'grant update (revoked_at, updated_at) on sessions to tenantry_operator',
  'grant insert on audit_events to tenantry_operator',
  'grant select, insert, delete on revocations to tenantry_operator',
]

/** Users, organizations, memberships, sessions, projects, gateways, the audit trail; the serving roles and their walls. */
export class Foundation extends Migration {
  override up(): void {
    for (const role of ['tenantry_server', 'tenantry_authentication', 'tenantry_operator'])
      this.addSql(createRole(role))
    for (const statement of [...tables, ...constraints, ...rowLevelSecurity, ...grants]) this.addSql(statement)
  }
}
