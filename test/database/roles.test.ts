import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { roles } from '../../src/database/roles.ts'
import type { Door } from '../../src/database/tenancy.ts'
import { givenDatabase, givenTenant, type Tenant, type TestDatabase } from './given-database.ts'

let db: TestDatabase
let tenant: Tenant

beforeAll(async () => {
  db = await givenDatabase()
  tenant = await givenTenant(db, 'Some')
})
afterAll(() => db?.close())

const doing = (door: Door, sql: string) => db.through(door, tenant.organizationId, (em) => em.execute(sql))

/** What each door is not for, whatever code stands behind it. */
const refusals: [Door, string][] = [
  ['tenant', 'select * from passwords'],
  ['tenant', 'select * from sessions'],
  ['tenant', 'select * from sign_in_failures'],
  ['tenant', 'update audit_events set succeeded = true'],
  ['tenant', 'delete from audit_events'],
  ['tenant', 'truncate audit_events'],
  ['tenant', 'select * from webhook_deliveries'],
  ['tenant', 'select kid from signing_keys'],
  ['tenant', 'insert into trusted_documents (hash, body, name) values ($$x$$, $$x$$, $$x$$)'],
  ['tenant', 'update trusted_documents set body = body'],
  ['tenant', 'delete from trusted_documents'],
  ['tenant', 'truncate trusted_documents'],
  ['tenant', 'delete from projects'],
  ['tenant', 'delete from gateways'],
  ['tenant', 'insert into organizations (id, name, slug) values (gen_random_uuid(), $$x$$, $$x$$)'],
  ['tenant', 'update organizations set suspended_at = null'],
  ['tenant', 'delete from organizations'],
  ['tenant', 'update users set is_superuser = true'],
  ['tenant', 'insert into users (id, email) values (gen_random_uuid(), $$x$$)'],
  ['tenant', 'delete from revocations'],
  ['tenant', 'delete from issuers'],
  ['tenant', 'update issuers set max_scopes = max_scopes'],
  ['tenant', 'alter table projects disable row level security'],
  ['tenant', 'drop policy projects_tenant_policy on projects'],
  ['tenant', 'create table planted (id int)'],
  ['tenant', 'insert into mikro_orm_migrations (name) values ($$planted$$)'],
  ['tenant', 'delete from mikro_orm_migrations'],
  ['authentication', 'select * from trusted_documents'],
  ['authentication', 'insert into trusted_documents (hash, body, name) values ($$x$$, $$x$$, $$x$$)'],
  ['authentication', 'select * from projects'],
  ['authentication', 'select * from gateways'],
  ['authentication', 'select * from audit_events'],
  ['authentication', 'update audit_events set succeeded = true'],
  ['authentication', 'delete from audit_events'],
  ['authentication', 'delete from sessions'],
  ['authentication', 'select * from webhook_deliveries'],
  ['authentication', 'delete from signing_keys'],
  ['authentication', 'truncate signing_keys'],
  ['authentication', 'update signing_keys set kid = kid'],
  ['authentication', 'update signing_keys set public_jwk = public_jwk'],
  ['authentication', 'update issuers set disabled_at = null'],
  ['authentication', 'select created_by from issuers'],
  ['authentication', 'update organizations set name = name'],
  ['authentication', 'update memberships set role = role'],
  ['authentication', 'delete from memberships'],
  ['authentication', 'delete from users'],
  ['authentication', 'update users set is_superuser = true'],
  ['authentication', 'update users set deactivated_at = null'],
  ['authentication', "insert into users (id, email, is_superuser) values (gen_random_uuid(), 'o@example.test', true)"],
  ['operator', 'select * from trusted_documents'],
  ['operator', 'insert into trusted_documents (hash, body, name) values ($$x$$, $$x$$, $$x$$)'],
  ['operator', 'select * from projects'],
  ['operator', 'select * from gateways'],
  ['operator', 'select * from issuers'],
  ['operator', 'select * from memberships'],
  ['operator', 'select * from passwords'],
  ['operator', 'update audit_events set succeeded = true'],
  ['operator', 'delete from audit_events'],
  ['operator', 'delete from sessions'],
  ['operator', 'select * from webhook_deliveries'],
  ['operator', 'select kid from signing_keys'],
  ['operator', 'update users set email = email'],
  ['operator', 'update organizations set name = name'],
  ['operator', 'update sessions set token_hash = token_hash'],
  ['operator', 'insert into users (id, email) values (gen_random_uuid(), $$x$$)'],
  ['jobs', 'select * from trusted_documents'],
  ['jobs', 'insert into trusted_documents (hash, body, name) values ($$x$$, $$x$$, $$x$$)'],
  ['jobs', 'select * from projects'],
  ['jobs', 'select kid from signing_keys'],
  ['jobs', 'select * from issuers'],
  ['jobs', 'select * from users'],
  ['jobs', 'select * from passwords'],
  ['jobs', 'select * from memberships'],
  ['jobs', 'select name from organizations'],
  ['jobs', 'update organizations set deleted_at = null'],
  ['jobs', 'select key_hash from api_keys'],
  ['jobs', 'select scopes from api_keys'],
  ['jobs', 'update api_keys set expires_at = null'],
  ['jobs', 'delete from api_keys'],
  ['jobs', 'select token_hash from sessions'],
  ['jobs', 'update sessions set revoked_at = null'],
  ['jobs', 'select details from audit_events'],
  ['jobs', 'select points from rate_limit_counters'],
  ['jobs', 'update rate_limit_counters set points = 0'],
  ['authentication', 'select * from rate_limit_counters'],
  ['jobs', 'update audit_events set succeeded = true'],
  ['jobs', 'truncate audit_events'],
  [
    'jobs',
    `insert into audit_events (id, action, actor_kind, actor_id, succeeded)
     values (gen_random_uuid(), 'user.logged_in', 'USER', 'somebody', true)`,
  ],
]

test.each(refusals)('the %s door cannot: %s', async (door, sql) => {
  await expect(doing(door, sql)).rejects.toThrow(/permission denied|must be owner|violates row-level security/)
})

test.each<[Door, string, number]>([
  ['tenant', 'select * from projects', 2],
  ['tenant', 'select * from users', 1],
  ['tenant', 'select * from organizations', 1],
  ['authentication', 'select * from passwords', 0],
  ['authentication', 'select * from users', 1],
  ['authentication', 'select * from memberships', 1],
  ['operator', 'select * from organizations', 1],
  ['operator', 'select id, user_id from sessions', 1],
  ['jobs', 'select id, deleted_at from organizations', 1],
  ['jobs', 'select id, created_at from audit_events', 0],
  ['jobs', 'delete from audit_events returning id', 0],
  ['jobs', 'delete from sessions returning id', 0],
])('the %s door can: %s', async (door, sql, rows) => {
  expect(await doing(door, sql)).toHaveLength(rows)
})

test('the roles own nothing, log in to nothing, and are members of nothing', async () => {
  const found = await db.asOwner(
    `select rolname::text as name, rolcanlogin, rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb, rolreplication,
       (select count(*)::int from pg_class where relowner = r.oid) as owned,
       (select count(*)::int from pg_auth_members where member = r.oid) as memberships
     from pg_roles r where rolname = any($1) order by 1`,
    [Object.values(roles)],
  )
  const nothing = { rolcanlogin: false, rolsuper: false, rolbypassrls: false, rolinherit: false, rolcreaterole: false }
  const none = { ...nothing, rolcreatedb: false, rolreplication: false, owned: 0, memberships: 0 }
  expect(found).toEqual([...Object.values(roles)].sort().map((name) => ({ name, ...none })))
})

test('every table forces row-level security, but for the one of the migrations', async () => {
  const open = await db.asOwner(
    `select relname::text as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)`,
  )
  expect(open).toEqual([{ name: 'mikro_orm_migrations' }])
})

test('no policy lets the tenant door see all rows of a table, but for those of nobody', async () => {
  const policies = await db.asOwner(
    `select tablename::text as "table", policyname::text as policy from pg_policies
     where roles && array['public', 'tenantry_server']::name[] and cmd <> 'INSERT'
       and coalesce(qual, '') not like '%current_setting(''mikro.tenant.organizationId''%' order by 1`,
  )
  expect(policies).toEqual([
    { table: 'rate_limit_counters', policy: 'rate_limit_counters_server' },
    { table: 'revocations', policy: 'revocations_all' },
    { table: 'trusted_documents', policy: 'trusted_documents_all' },
  ])
})

test('every table with an organization has a policy that names it, and so has every row that is written', async () => {
  const tables = await db.asOwner(
    `select c.relname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'organization_id'
       and has_any_column_privilege('tenantry_server', c.oid, 'select') order by 1`,
  )
  for (const { name } of tables) {
    const planting = doing(
      'tenant',
      `insert into "${String(name)}" (id, organization_id) values (gen_random_uuid(), gen_random_uuid())`,
    )
    await expect(planting).rejects.toThrow(/row-level security|null value/)
  }
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['gateways', 'memberships', 'projects']))
})

test('a role that a transaction took is given back with it', async () => {
  const taking = db.through('tenant', tenant.organizationId, async (em) => {
    await em.execute(`set local role ${roles.operator}`)
    throw new Error('in the middle')
  })
  await expect(taking).rejects.toThrow('in the middle')
  const now = () => doing('tenant', 'select current_user::text as role')
  expect(await now()).toEqual([{ role: roles.server }])
  await db.through('tenant', tenant.organizationId, (em) => em.execute(`set local role ${roles.operator}`))
  expect(await now()).toEqual([{ role: roles.server }])
})
