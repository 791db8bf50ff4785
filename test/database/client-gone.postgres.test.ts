import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { expectError, givenPerson, givenProject, startServer, type Person, type TestServer } from '../harness.ts'

const PROJECTS = '{ projects { nodes { name } } }'
const CREATE = 'mutation ($name: String!) { createProject(input: { name: $name }) { project { id } } }'
const TIMEOUT_MS = 4_000

let server: TestServer
let person: Person
let owner: Client
/** Beside the transaction that locks, which would see one state of the activity throughout. */
let watcher: Client
beforeAll(async () => {
  const settings = { EXECUTION_TIMEOUT_MS: String(TIMEOUT_MS), DATABASE_STATEMENT_TIMEOUT_MS: String(TIMEOUT_MS - 100) }
  server = await startServer({ settings: { ...settings, DATABASE_POOL_SIZE: '2' } })
  person = await givenPerson(server)
  await givenProject(server, person, 'There already')
})
beforeEach(async () => {
  owner = new Client({ connectionString: server.databaseUrl })
  watcher = new Client({ connectionString: server.databaseUrl })
  await Promise.all([owner.connect(), watcher.connect()])
})
afterEach(() => Promise.all([owner.end(), watcher.end()]))
afterAll(() => server?.close())

/** Makes whatever asks for a table wait, until the transaction ends. */
const lock = (table: string) => owner.query(`begin; lock table ${table} in access exclusive mode`)
const release = () => owner.query('rollback')

/** How many statements of the server wait for such a table. */
async function waiting(): Promise<number> {
  const asking = `select count(*)::int as number from pg_stat_activity
    where datname = current_database() and application_name = 'tenantry' and wait_event_type = 'Lock'`
  const { rows } = await watcher.query<{ number: number }>(asking)
  return rows[0]?.number ?? 0
}
async function untilWaiting(number: number, withinMs: number): Promise<void> {
  const start = performance.now()
  while ((await waiting()) !== number) {
    expect(performance.now() - start).toBeLessThan(withinMs)
    await sleep(20)
  }
}

/** Sends an operation, and hangs up as soon as it waits in the database, beside as many others. */
async function sendAndLeave(query: string, variables: object = {}, others = 0): Promise<void> {
  const leaving = new AbortController()
  const answer = fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${person.token}` },
    body: JSON.stringify({ query, variables }),
    signal: leaving.signal,
  })
  const refused = expect(answer).rejects.toThrow()
  await untilWaiting(others + 1, 3_000)
  server.logged.length = 0
  leaving.abort()
  await refused
}

const names = async (): Promise<string[]> => {
  const { data } = await server.send(PROJECTS, { token: person.token })
  return data.projects.nodes.map(({ name }: { name: string }) => name)
}
/** Both connections of the pool serve. */
async function expectWholePool(): Promise<void> {
  const answers = await Promise.all([names(), names(), names()])
  expect(answers.every((all) => all.includes('There already'))).toBe(true)
}

describe('a client that goes away', () => {
  test('takes the statement of its query with it, within a second, and leaves the others alone', async () => {
    await lock('projects')
    const staying = server.send(PROJECTS, { token: person.token })
    await untilWaiting(1, 3_000)
    await sendAndLeave(PROJECTS, {}, 1)
    await untilWaiting(1, 1_000)
    await sleep(300)
    expect(await waiting()).toBe(1)
    await release()
    expect((await staying).data.projects.nodes).toEqual([{ name: 'There already' }])
    await expectWholePool()
    // Nobody hears of it, and nothing has gone wrong.
    expect(server.logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 40)).toEqual([])
  })

  test('again and again holds no place in the pool', async () => {
    await lock('projects')
    for (let time = 0; time < 6; time += 1) {
      await sendAndLeave(PROJECTS)
      await untilWaiting(0, 1_000)
    }
    expect((await server.send('{ me { email } }', { token: person.token })).errors).toEqual([])
    await release()
    await expectWholePool()
  })

  test('does not undo what it has asked for: its mutation is finished', async () => {
    await lock('projects')
    await sendAndLeave(CREATE, { name: 'Asked for' })
    await sleep(500)
    expect(await waiting()).toBe(1)
    await release()
    const start = performance.now()
    while (!(await names()).includes('Asked for')) expect(performance.now() - start).toBeLessThan(3_000)
    await expectWholePool()
  })
})

describe('when the time of an operation is up', () => {
  test('the statement of its query is gone within a second', async () => {
    const other = new Client({ connectionString: server.databaseUrl })
    await other.connect()
    await other.query('begin; lock table gateways in access exclusive mode')
    await lock('projects')
    const start = performance.now()
    const both = '{ projects { nodes { name } } gateways { nodes { name } } }'
    const answer = server.send(both, { token: person.token })
    await sleep(TIMEOUT_MS / 2)
    // The second statement has begun late enough to be within its own timeout for long.
    await release()
    expectError(await answer, 'TIMEOUT')
    expect(performance.now() - start).toBeGreaterThan(TIMEOUT_MS - 100)
    await untilWaiting(0, 1_000)
    expect(performance.now() - start).toBeLessThan(TIMEOUT_MS * 1.5 - 200)
    await other.end()
    await expectWholePool()
  })

  test('its mutation is rolled back', async () => {
    const other = new Client({ connectionString: server.databaseUrl })
    await other.connect()
    await other.query('begin; lock table audit_events in access exclusive mode')
    await lock('projects')
    const answer = server.send(CREATE, { token: person.token, variables: { name: 'Too late' } })
    await sleep(TIMEOUT_MS / 2)
    await release()
    expectError(await answer, 'TIMEOUT')
    await untilWaiting(0, 1_000)
    await other.end()
    expect(await names()).not.toContain('Too late')
    await expectWholePool()
  })
})
