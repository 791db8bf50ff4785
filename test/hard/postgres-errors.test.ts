import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import type { Running } from '../given-process.ts'
import { givenProject, PASSWORD, type Person } from '../harness.ts'
import { at } from '../session/given-sessions.ts'
import { note } from './failure-table.ts'
import { databaseUrl, expectBorne, givenInstance, givenPeople, MOST_BACK_MS, underLoad } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { isServed, sawOf, see, slowestOf, type Seen } from './load.ts'

let cluster: Cluster
let server: Running
let people: Person[]

beforeAll(async () => {
  cluster = await givenCluster()
  server = await givenInstance(cluster.port, { DATABASE_POOL_SIZE: '4' })
  people = await givenPeople(server)
})
afterAll(async () => {
  await server?.stop()
  await cluster?.remove()
})
afterEach(() => mendTables())

/** What the requests of a load, a login and a refresh write to. */
const TABLES = ['projects', 'api_keys', 'sessions', 'sign_in_failures', 'audit_events']

const FULL = `raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';`

/** Makes each change of these tables do something more, as the owner. */
const breakTables = (tables: readonly string[], when: string, body: string) =>
  cluster.run(`
    create or replace function broken() returns trigger language plpgsql security definer as $$ begin ${body} end $$;
    ${tables.map((table) => `create trigger broken ${when} on ${table} for each row execute function broken();`).join('\n')}`)
const breakProjects = (when: string, body: string) => breakTables(['projects'], when, body)
const mendTables = () => cluster.run(TABLES.map((table) => `drop trigger if exists broken on ${table};`).join('\n'))

test('every connection of the pool is in use for longer than anybody waits', async () => {
  const healthMs: number[] = []
  const { load, ...times } = await underLoad(server.url, people, async () => {
    const holder = new Client({ connectionString: databaseUrl(cluster.port) })
    await holder.connect()
    await holder.query('begin; lock table projects in access exclusive mode')
    for (let second = 0; second < 10; second += 1) {
      const askedAt = performance.now()
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
      healthMs.push(performance.now() - askedAt)
      await sleep(1_000)
    }
    await holder.query('rollback')
    await holder.end()
  })
  expect(Math.max(...healthMs)).toBeLessThan(1_000)
  const failure = 'a lock keeps all 4 connections of the pool, for 10 s'
  const failed = await expectBorne('pool-exhausted', { failure, ...times }, { load, cluster })
  // Who waits for a connection has 8 s, as a statement has: whether one comes free at the last moment decides between the two.
  const outcomes = new Set(failed.map(({ outcome }) => outcome))
  expect(outcomes.size).toBeGreaterThan(0)
  for (const outcome of outcomes) expect(['503 TIMEOUT', '503 UNAVAILABLE']).toContain(outcome)
})

const REFRESH = 'mutation ($token: String!) { refresh(input: { refreshToken: $token }) { refreshToken } }'
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { tokenType } }'

test.each(TABLES)('the disk has no place for a row of %s', async (table) => {
  const [{ email, refreshToken }] = people as [Person]
  const login = () => see(server.url, LOGIN, { variables: { input: { email, password: PASSWORD } } })
  const refresh = (token: string) => see(server.url, REFRESH, { variables: { token } })
  await breakTables([table], 'before insert or update', FULL)
  const told = [await login(), await refresh(refreshToken)]
  await mendTables()
  for (const one of told) {
    expect(['200', '503 UNAVAILABLE']).toContain(one.outcome)
    if (!isServed(one)) expect(one.retryAfter).not.toBeNull()
  }
  // Nobody has lost their session over it, nor waits for having tried.
  const [, renewed] = told as [Seen, Awaited<ReturnType<typeof refresh>>]
  const after = await refresh(isServed(renewed) ? renewed.data.refresh.refreshToken : refreshToken)
  expect([after.outcome, (await login()).outcome]).toEqual(['200', '200'])
  people[0] = { ...people[0]!, refreshToken: after.data.refresh.refreshToken }
  if (['sessions', 'audit_events'].includes(table)) expect(told.map(isServed)[0]).toBe(false)
})

test('the disk is full', async () => {
  const { load, ...times } = await underLoad(server.url, people, async () => {
    await breakTables(TABLES, 'before insert', FULL)
    await sleep(2_000)
    await mendTables()
  })
  const failure = 'PostgreSQL answers each new row with 53100, disk full, for 2 s'
  const failed = await expectBorne('disk-full', { failure, ...times }, { load, cluster })
  expect([...new Set(failed.map(({ outcome }) => outcome))]).toEqual(['503 UNAVAILABLE'])
})

const RENAME = `mutation ($id: ID!, $name: String!) { updateProject(input: { id: $id, name: $name }) { project { name } } }`

/** Renames projects of one organization at once, so that they meet, again and again. */
async function renameAtOnce(person: Person, ids: readonly string[], rounds: number): Promise<Seen[]> {
  const seen: Seen[] = []
  for (let round = 0; round < rounds; round += 1) {
    const renaming = ids.map((id, turn) =>
      see(server.url, RENAME, { token: person.token, variables: { id, name: `round ${round} ${turn}` } }),
    )
    seen.push(...(await Promise.all(renaming)))
  }
  return seen
}

/** Each rename that was acknowledged has its audit event, and no other one has. */
async function expectEachRecorded(ids: readonly string[], seen: readonly Seen[]): Promise<string> {
  const [events] = await cluster.run(
    `select count(*)::int as number from audit_events where action = 'project.updated' and target_id::text = any ($1)`,
    [ids],
  )
  const made = seen.filter(isServed).length
  expect(events).toEqual({ number: made })
  return `${made} acknowledged changes, ${made} audit events`
}

test('two changes lock each other out', async () => {
  const [person] = people as [Person]
  const ids = [await givenProject(at(server.url), person), await givenProject(at(server.url), person)]
  // Each update holds its own row and then wants the others of its organization.
  await breakProjects(
    'after update',
    `perform pg_sleep(0.05);
     perform 1 from projects where id = any (array['${ids.join("','")}']::uuid[]) and id <> new.id for update;
     return null;`,
  )
  const before = cluster.said('deadlock detected')
  const seen = await renameAtOnce(person, ids, 10)
  const deadlocks = cluster.said('deadlock detected') - before
  expect(deadlocks).toBeGreaterThan(0)
  expect(new Set(seen.map(({ outcome }) => outcome))).toEqual(new Set(['200']))
  const kept = await expectEachRecorded(ids, seen)
  const failure = `10 pairs of changes lock each other out: ${deadlocks} times 40P01, each made again`
  note('deadlocks', { failure, saw: sawOf(seen), slowestMs: slowestOf(seen), backMs: null, kept })
})

test('transactions cannot be serialized', async () => {
  const [, person] = people as [Person, Person]
  const id = await givenProject(at(server.url), person)
  await cluster.run(`alter database postgres set default_transaction_isolation = 'serializable'`)
  await cluster.run(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tenantry'`)
  await breakProjects('before update', 'perform pg_sleep(0.01); return new;')
  await sleep(500)
  const before = cluster.said('could not serialize access')
  const seen = await renameAtOnce(person, [id, id], 20)
  const refused = cluster.said('could not serialize access') - before
  const sinceMs = performance.now()
  await cluster.run(`alter database postgres reset default_transaction_isolation`)
  await cluster.run(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tenantry'`)
  expect(refused).toBeGreaterThan(0)
  for (const { outcome } of seen) expect(['200', '503 UNAVAILABLE']).toContain(outcome)
  // Each that was refused would be told, were none of them made again.
  expect(seen.filter((one) => !isServed(one)).length).toBeLessThan(refused)
  const kept = await expectEachRecorded([id], seen)
  while (!isServed((await renameAtOnce(person, [id], 1))[0] ?? { outcome: 'none' })) {
    expect(performance.now() - sinceMs).toBeLessThan(MOST_BACK_MS)
  }
  const failure = `pairs of changes to one row, serializable: ${refused} times 40001, made again up to 3 times`
  note('serialization', { failure, saw: sawOf(seen), slowestMs: slowestOf(seen), backMs: null, kept })
})
