import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { EntityManager } from '@mikro-orm/sql'
import { inTransaction } from '../../src/database/tenancy.ts'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { asOwner, refresh } from '../session/given-sessions.ts'
import { DAY_MS, loggedAs, runJobs } from './given-jobs.ts'

let keeping: TestServer
let removing: TestServer
let person: Person
/** How far the server's clock is from the database's. */
let aheadMs = 0
const clock = () => new Date(Date.now() + aheadMs)

beforeAll(async () => {
  keeping = await startServer({ clock })
  removing = await startServer({ clock, settings: { AUDIT_RETENTION_DAYS: '60' } })
  person = await givenPerson(removing)
})
afterAll(async () => {
  await removing?.close()
  await keeping?.close()
})
beforeEach(() => {
  aheadMs = 0
})

/** An event of so many days ago. */
async function givenEvent(server: TestServer, days: number, organizationId: string | null = null): Promise<string> {
  const id = randomUUID()
  await asOwner(
    server,
    `insert into audit_events (id, created_at, organization_id, action, succeeded)
     values (?, now() - ?::int * interval '24 hours' - interval '1 minute', ?, 'project.created', true)`,
    [id, days, organizationId],
  )
  return id
}
async function left(server: TestServer, table: string, ids: readonly string[]): Promise<string[]> {
  const rows = await asOwner<{ id: string }>(server, `select id from ${table}`)
  const there = new Set(rows.map(({ id }) => id))
  return ids.filter((id) => there.has(id))
}
const removals = (server: TestServer) =>
  asOwner<Record<string, unknown> & { details: { count: number; before: string } }>(
    server,
    `select organization_id, actor_kind, actor_id, target_id, ip_address, details
     from audit_events where action = 'audit_event.removed' order by created_at, id`,
  )
/** As the jobs, and whatever else they were told. */
const asJobs = <T>(server: TestServer, work: (em: EntityManager) => Promise<T>) =>
  inTransaction(server.app.services.database, { door: 'jobs', organizationId: null, readOnly: false }, work)

test('counters of rate limits go when their window has ended, and not before', async () => {
  const [ended, open] = [randomUUID(), randomUUID()]
  await asOwner(keeping, 'insert into rate_limit_counters values (?, 1, ?), (?, 1, ?)', [
    ...[ended, Date.now() - 1_000],
    ...[open, Date.now() + 60_000],
  ])
  await runJobs(keeping)
  const keys = (await asOwner<{ key: string }>(keeping, 'select key from rate_limit_counters')).map(({ key }) => key)
  expect([ended, open].map((key) => keys.includes(key))).toEqual([false, true])
})

test('unless it is asked for, no audit event is ever removed', async () => {
  const events = [await givenEvent(keeping, 10_000), await givenEvent(keeping, 31)]
  await runJobs(keeping)
  expect(await left(keeping, 'audit_events', events)).toEqual(events)
  expect(await removals(keeping)).toEqual([])
})

test('events older than the retention go, younger ones stay, and the removal is an event itself', async () => {
  const old = [await givenEvent(removing, 61), await givenEvent(removing, 60, person.organizationId)]
  const young = [await givenEvent(removing, 59, person.organizationId), await givenEvent(removing, 0)]
  await runJobs(removing)
  await runJobs(removing)
  expect(await left(removing, 'audit_events', [...old, ...young])).toEqual(young)
  const [removal, ...others] = await removals(removing)
  expect(others).toEqual([])
  expect(removal).toMatchObject({ organization_id: null, actor_kind: null, actor_id: null, details: { count: 2 } })
  expect(Date.now() - Date.parse(removal!.details.before)).toBeLessThan(60 * DAY_MS + 60_000)
  expect(Date.now() - Date.parse(removal!.details.before)).toBeGreaterThanOrEqual(60 * DAY_MS)
  expect(loggedAs(removing, 'audit_event.removed')).toHaveLength(1)
})

test('many go in several transactions, each with the event of what it removed', async () => {
  await asOwner(
    removing,
    `insert into audit_events (id, created_at, action, succeeded)
     select gen_random_uuid(), now() - interval '70 days', 'many.removed', true from generate_series(1, 5003)`,
  )
  const before = (await removals(removing)).length
  await runJobs(removing)
  expect(await asOwner(removing, `select id from audit_events where action = 'many.removed'`)).toEqual([])
  expect((await removals(removing)).slice(before).map(({ details }) => details.count)).toEqual([5_000, 3])
})

test('a server whose clock is ahead removes nothing that is younger than 30 days', async () => {
  const [young, old] = [await givenEvent(removing, 29), await givenEvent(removing, 30)]
  aheadMs = 365 * DAY_MS
  await runJobs(removing)
  expect(await left(removing, 'audit_events', [young, old])).toEqual([young])
})

test('whatever the jobs’ role is told to do, it removes no young event, and changes none', async () => {
  const [young, old] = [
    await givenEvent(keeping, 29, (await givenPerson(keeping)).organizationId),
    await givenEvent(keeping, 30),
  ]
  const [{ organization_id }] = (await asOwner<{ organization_id: string }>(
    keeping,
    'select organization_id from audit_events where id = ?',
    [young],
  )) as [{ organization_id: string }]
  await asJobs(keeping, async (em) => {
    // The tenant's own policy must not help either.
    await em.execute(`select set_config('mikro.tenant.organizationId', ?, true)`, [organization_id])
    expect(await em.execute('select id from audit_events where id = ?', [young])).toEqual([])
    expect(await em.execute('select id from audit_events where id = ?', [old])).toHaveLength(1)
    await em.execute('delete from audit_events')
  })
  expect(await left(keeping, 'audit_events', [young, old])).toEqual([young])
  for (const forbidden of [
    'update audit_events set succeeded = true',
    'select details from audit_events',
    'truncate audit_events',
  ]) {
    await expect(asJobs(keeping, (em) => em.execute(forbidden))).rejects.toThrow('permission denied')
  }
})

/** A session that ended, or ends, in so many days (negative: ago). */
async function givenSession(server: TestServer, days: { idle: number; expires: number; revoked?: number }) {
  const { userId } = await givenPerson(server)
  const [{ id }] = (await asOwner<{ id: string }>(server, 'select id from sessions where user_id = ?', [userId])) as [
    { id: string },
  ]
  const inDays = (count: number | undefined) =>
    count === undefined ? null : new Date(Date.now() + count * DAY_MS - 60_000).toISOString()
  await asOwner(server, 'update sessions set idle_expires_at = ?, expires_at = ?, revoked_at = ? where id = ?', [
    inDays(days.idle),
    inDays(days.expires),
    inDays(days.revoked),
    id,
  ])
  return id
}

test('sessions that nobody has been able to renew for 30 days are removed, and no others', async () => {
  const gone = [
    await givenSession(keeping, { idle: -30, expires: -10 }),
    await givenSession(keeping, { idle: -60, expires: -60 }),
    await givenSession(keeping, { idle: 7, expires: 30, revoked: -30 }),
  ]
  const kept = [
    await givenSession(keeping, { idle: 7, expires: 30 }),
    await givenSession(keeping, { idle: -29, expires: -5 }),
    await givenSession(keeping, { idle: 7, expires: 30, revoked: -29 }),
  ]
  await runJobs(keeping)
  expect(await left(keeping, 'sessions', [...gone, ...kept])).toEqual(kept)
})

test('a session that is in use outlasts everything the jobs’ role does', async () => {
  const living = await givenPerson(keeping)
  const ended = await givenSession(keeping, { idle: -40, expires: -10 })
  aheadMs = 365 * DAY_MS
  await runJobs(keeping)
  aheadMs = 0
  await asJobs(keeping, (em) => em.execute('delete from sessions'))
  expect(await left(keeping, 'sessions', [ended])).toEqual([])
  expect((await refresh(keeping, living.refreshToken)).errors).toEqual([])
  await expect(asJobs(keeping, (em) => em.execute('select token_hash from sessions'))).rejects.toThrow(
    'permission denied',
  )
  await expect(asJobs(keeping, (em) => em.execute('update sessions set revoked_at = null'))).rejects.toThrow(
    'permission denied',
  )
})

test('deliveries of the webhook are removed after 30 days, whatever has become of them', async () => {
  const given = async (days: number, outcome: 'delivered_at' | 'failed_at') => {
    const id = randomUUID()
    await asOwner(
      keeping,
      `insert into webhook_deliveries (id, created_at, type, data, next_attempt_at, ${outcome})
       values (?, now() - ?::int * interval '24 hours' - interval '1 minute', 'api_key.expiring', '{}', now(), now())`,
      [id, days],
    )
    return id
  }
  const gone = [await given(30, 'delivered_at'), await given(31, 'failed_at')]
  const kept = [await given(29, 'delivered_at'), await given(0, 'failed_at')]
  await runJobs(keeping)
  expect(await left(keeping, 'webhook_deliveries', [...gone, ...kept])).toEqual(kept)
})
