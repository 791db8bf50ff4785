import { Migration } from '@mikro-orm/migrations'

/** Roles belong to the cluster: another database may have made it already. */
const role = `
  do $$ begin
    create role tenantry_jobs nologin noinherit nosuperuser nobypassrls nocreatedb nocreaterole noreplication;
  exception when duplicate_object or unique_violation then null;
  end $$`

const tables = [
  `alter table "api_keys" add column "expiry_notified_days" int null`,
  `create table "webhook_deliveries" (
    "id" uuid not null,
    "created_at" timestamptz(3) not null default now(),
    "updated_at" timestamptz(3) not null default now(),
    "organization_id" uuid null,
    "type" text not null,
    "data" jsonb not null,
    "attempts" int not null default 0,
    "next_attempt_at" timestamptz(3) not null,
    "delivered_at" timestamptz(3) null,
    "failed_at" timestamptz(3) null,
    primary key ("id")
  )`,
  `create index "api_keys_expires_at_index" on "api_keys" ("expires_at")`,
  `create index "audit_events_created_at_index" on "audit_events" ("created_at")`,
  `create index "webhook_deliveries_next_attempt_at_index" on "webhook_deliveries" ("next_attempt_at") where delivered_at is null and failed_at is null`,
]

const rowLevelSecurity = [
  `alter table "webhook_deliveries" enable row level security`,
  `alter table "webhook_deliveries" force row level security`,
  `create policy "webhook_deliveries_jobs" on "webhook_deliveries" to "tenantry_jobs" using (true) with check (true)`,
  `create policy "organizations_jobs" on "organizations" for select to "tenantry_jobs" using (true)`,
  `create policy "api_keys_jobs" on "api_keys" for select to "tenantry_jobs" using (true)`,
  `create policy "api_keys_jobs_notice" on "api_keys" for update to "tenantry_jobs" using (true) with check (true)`,
  `create policy "audit_events_jobs" on "audit_events" to "tenantry_jobs" using (true) with check (actor_id is null and (action = 'api_key.expiring' or action = 'audit_event.removed'))`,
  `create policy "audit_events_jobs_see_old" on "audit_events" as restrictive for select to "tenantry_jobs" using (created_at < now() - '30 days'::interval)`,
  `create policy "audit_events_jobs_remove_old" on "audit_events" as restrictive for delete to "tenantry_jobs" using (created_at < now() - '30 days'::interval)`,
  `create policy "rate_limit_counters_jobs" on "rate_limit_counters" to "tenantry_jobs" using (true) with check (false)`,
  `create policy "sessions_jobs" on "sessions" to "tenantry_jobs" using (least(idle_expires_at, expires_at, revoked_at) < now() - '30 days'::interval) with check (false)`,
]

/** Column by column: a job never reads a hash, a scope or what an audit event says. */
const grants = [
  'grant usage on schema public to tenantry_jobs',
  'grant select (id, deleted_at) on organizations to tenantry_jobs',
  `grant select (id, organization_id, name, service, last_eight, expires_at, deactivated_at, revoked_at, rotated_to,
    expiry_notified_days) on api_keys to tenantry_jobs`,
  'grant update (expiry_notified_days) on api_keys to tenantry_jobs',
  'grant insert, select (id, created_at), delete on audit_events to tenantry_jobs',
  'grant select (id, idle_expires_at, expires_at, revoked_at), delete on sessions to tenantry_jobs',
  'grant select, insert, update, delete on webhook_deliveries to tenantry_jobs',
  'grant select (key, expire), delete on rate_limit_counters to tenantry_jobs',
  // Whoever sets a key's expiry says which notices that has passed.
  'grant select (expiry_notified_days), update (expiry_notified_days) on api_keys to tenantry_server',
]

/** The role of the background jobs, the notices of expiring keys, and the outbox of the webhook. */
export class Jobs extends Migration {
  override up(): void {
    for (const statement of [role, ...tables, ...rowLevelSecurity, ...grants]) this.addSql(statement)
  }
}
