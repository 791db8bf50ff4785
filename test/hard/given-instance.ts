import { expect } from '@jest/globals'
import { startServerProcess, type Running } from '../given-process.ts'
import { givenPerson, SETTINGS, type Person } from '../harness.ts'
import { at } from '../session/given-sessions.ts'
import { note, type Failure } from './failure-table.ts'
import type { Cluster } from './given-postgres.ts'
import { backAfter, isServed, sawOf, slowestOf, startLoad, type Load, type Seen } from './load.ts'

/** The promise is 5 s; a machine that does other things as well has three times as long. */
export const MOST_BACK_MS = 5_000 * 3
/** Nobody waits for longer than the server lets an operation run, and what a busy machine adds. */
const MOST_WAIT_MS = 10_000 * 1.5

export const databaseUrl = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`

/** The program itself, on a database at this port. */
export function givenInstance(databasePort: number, settings: Record<string, string> = {}): Promise<Running> {
  return startServerProcess([], { env: { ...SETTINGS, DATABASE_URL: databaseUrl(databasePort), ...settings } })
}

/** People with an organization each. */
export async function givenPeople({ url }: Pick<Running, 'url'>, number = 4): Promise<Person[]> {
  const people = []
  for (let made = 0; made < number; made += 1) people.push(await givenPerson(at(url)))
  return people
}

/** What was broken, and when that was over; times are those of `performance.now()`. */
interface Broken {
  failure: string
  beganAt: number
  endedAt: number
}

/**
 * Runs a load while something is broken, until all is well again.
 * @param others more instances, which must hear of what ends
 */
export async function underLoad(
  url: string | (() => string),
  people: readonly Person[],
  breaking: (load: Load) => Promise<unknown>,
  others: readonly string[] = [],
): Promise<{ load: Load; beganAt: number; endedAt: number }> {
  const load = startLoad(url, people, others)
  try {
    await load.untilCalm(500)
    const beganAt = performance.now()
    await breaking(load)
    const endedAt = performance.now()
    await load.untilCalm(2_000)
    return { load, beganAt, endedAt }
  } finally {
    await load.stop()
  }
}

const ALLOWED = new Set(['200', '503 UNAVAILABLE', '503 TIMEOUT'])

/** What every failure of the database must hold to, and its row of the table. */
export async function expectBorne(
  name: Failure,
  { failure, beganAt, endedAt }: Broken,
  { load, cluster }: { load: Load; cluster: Cluster },
): Promise<Seen[]> {
  const seen = load.seen.filter((one) => one.endedAt >= beganAt)
  expect([...new Set(seen.map(({ outcome }) => outcome))].filter((outcome) => !ALLOWED.has(outcome))).toEqual([])
  const unavailable = seen.filter(({ outcome }) => outcome === '503 UNAVAILABLE')
  expect(unavailable.filter(({ retryAfter }) => retryAfter === null)).toEqual([])
  const [slowestMs, backMs] = [slowestOf(seen), backAfter(seen, endedAt)]
  expect(slowestMs).toBeLessThan(MOST_WAIT_MS)
  expect(backMs).toBeLessThan(MOST_BACK_MS)
  const [whole, ends] = [await expectWhole(cluster, load.acknowledged), await expectEnded(load)]
  note(name, { failure, saw: sawOf(seen), slowestMs, backMs, kept: `${whole}, ${ends}` })
  return seen.filter((one) => !isServed(one))
}

/** No instance lets in a key whose end was acknowledged. */
async function expectEnded(load: Load): Promise<string> {
  const asked = await load.askWithEnded()
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.filter(({ outcome }) => outcome !== '403 FORBIDDEN')).toEqual([])
  return 'and each end of an API key'
}

/** Every project that was acknowledged is there, and none without its audit event, or the other way round. */
export async function expectWhole(cluster: Cluster, acknowledged: readonly string[]): Promise<string> {
  expect(acknowledged.length).toBeGreaterThan(0)
  const [found] = await cluster.run('select count(*)::int as number from projects where id = any ($1)', [acknowledged])
  expect(found).toEqual({ number: acknowledged.length })
  const [halves] = await cluster.run(
    `select count(*)::int as number from (select id::text from projects) made
     full join (select target_id::text as id from audit_events where action = 'project.created') told using (id)
     where made is null or told is null`,
  )
  expect(halves).toEqual({ number: 0 })
  return `all of ${acknowledged.length} acknowledged changes, each with its audit event`
}
