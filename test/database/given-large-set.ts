import type { TestDatabase } from './given-database.ts'

type Owner = Pick<TestDatabase, 'asOwner'>

/** One of a thousand organizations has a tenth of all rows; the others share the rest. */
interface LargeSet {
  largeOrganizationId: string
  largeProjectId: string
  actorId: string
  /** Of the projects; there are half as many gateways, and as many audit events. */
  rows: number
}

/** Ids that are in the order of their numbers, as UUIDv7 are, and of different rows for each table and organization. */
const idOf = (table: number, number: string) =>
  `('0190${table.toString(16).padStart(4, '0')}-0000-7000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`
/** The organization of a row, by the number of the row: every tenth is the large one's. */
const OWNER = `case when n % 10 = 0 then $1::uuid else ${idOf(1, '1 + n % 999')} end`
const CREATED = `timestamptz '2026-01-01' + n * interval '1 second'`

/** Seeds as the owner, and has the planner look at what is there. */
export async function seedLargeSet({ asOwner }: Owner, set: LargeSet): Promise<void> {
  const { largeOrganizationId: large, largeProjectId, actorId, rows } = set
  const seed = (sql: string, ...more: unknown[]) => asOwner(sql, [...more])
  const numbers = (most: number) => `from generate_series(1, ${most}) n`
  await seed(`insert into organizations (id, name, slug)
    select ${idOf(1, 'n')}, 'organization ' || n, 'organization-' || n ${numbers(999)}`)
  await seed(
    `insert into users (id, email) select ${idOf(2, 'n')}, 'user-' || n || '@example.test' ${numbers(rows / 20)}`,
  )
  await seed(
    `insert into memberships (id, organization_id, user_id, role)
     select ${idOf(3, 'n')}, ${OWNER}, ${idOf(2, 'n')}, 'VIEWER' ${numbers(rows / 20)}`,
    large,
  )
  await seed(
    `insert into projects (id, organization_id, name, created_at)
     select ${idOf(4, 'n')}, ${OWNER}, 'project ' || md5(n::text), ${CREATED} ${numbers(rows)}`,
    large,
  )
  // One project of the large organization has a twentieth of its gateways.
  await seed(
    `insert into gateways (id, organization_id, project_id, name, created_at)
     select ${idOf(5, 'n')}, ${OWNER}, case when n % 200 = 0 then $2::uuid else ${idOf(4, 'n')} end,
       'provisioned ' || md5(n::text), ${CREATED} ${numbers(rows / 2)}`,
    large,
    largeProjectId,
  )
  await seed(
    `insert into audit_events (id, organization_id, action, actor_kind, actor_id, succeeded, created_at)
     select ${idOf(6, 'n')}, ${OWNER}, (array['project.created', 'gateway.created', 'user.logged_in'])[1 + (n / 10) % 3], 'USER',
       case when n % 50 = 0 then $2 else ${idOf(2, '1 + n % 1000')}::text end, true, ${CREATED} ${numbers(rows)}`,
    large,
    actorId,
  )
  await seed(
    `insert into api_keys (id, organization_id, key_hash, last_eight, name, service, scopes, line_id)
     select ${idOf(7, 'n')}, ${OWNER}, md5(n::text), 'lasteigh', 'key ' || n, 'service', '[]', ${idOf(7, 'n')} ${numbers(rows / 5)}`,
    large,
  )
  await seed(
    `insert into issuers (id, organization_id, issuer, audiences, algorithms, scope_claim, scope_map, max_scopes, created_by)
     select ${idOf(8, 'n')}, ${OWNER}, 'https://id-' || n || '.example', '[]', '[]', 'scope', '[]', '[]', $2 ${numbers(rows / 20)}`,
    large,
    actorId,
  )
  // As autovacuum leaves it.
  await seed('vacuum analyze')
}
