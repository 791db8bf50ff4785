import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sendTo } from '../harness.ts'
import { runClients, type Asked } from './clients-plan.ts'
import { percentile } from './findings.ts'
import { givenInstance, givenPeople, MOST_BACK_MS } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { noteOverload, type Overload } from './load-page.ts'

const CLIENTS = 1_000
const SECONDS = 15
/** The first requests of all clients come at once, to a server that has compiled nothing yet. */
const WARM_UP_MS = 5_000
const LIMIT = 100

let cluster: Cluster
beforeAll(async () => {
  cluster = await givenCluster()
})
afterAll(() => cluster?.remove())

const timesOf = (times: readonly number[]) => ({ p50: percentile(times) ?? 0, p99: percentile(times, 0.99) ?? 0 })
const tookOf = (asked: readonly Asked[]) => timesOf(asked.map(({ tookMs }) => tookMs))

/** Asks whether a server lives, and whether it is ready, until the clients are done. Times are in milliseconds. */
async function askAfterHealth(url: string, done: Promise<unknown>) {
  const [live, ready]: [number[], number[]] = [[], []]
  const found = { live, ready, unready: 0 }
  const over = { is: false }
  void done.finally(() => (over.is = true))
  const ask = async (path: 'live' | 'ready') => {
    while (!over.is) {
      const askedAt = performance.now()
      const { status } = await fetch(`${url}/health/${path}`)
      if (status !== 200) found.unready += 1
      found[path].push(performance.now() - askedAt)
      await sleep(50)
    }
  }
  await Promise.all([ask('live'), ask('ready')])
  return found
}

/** Lets clients ask without a pause for longer than a server can keep up with. */
async function overload(limit: string, maxInFlight: number): Promise<Overload> {
  const server = await givenInstance(cluster.port, {
    MAX_IN_FLIGHT: String(maxInFlight),
    MAX_EVENT_LOOP_DELAY_MS: '5000',
    LOG_LEVEL: 'error',
  })
  try {
    const people = await givenPeople(server, 10)
    const sessions = Array.from({ length: CLIENTS }, (_, at) => people[at % people.length]!)
    const clients = runClients({ url: server.url, sessions, seconds: SECONDS, pauseMs: [0, 0], shares: {} })
    const health = await askAfterHealth(server.url, clients)
    const asked = (await clients).filter(({ atMs }) => atMs > WARM_UP_MS)
    const endedAt = performance.now()
    expect((await sendTo(server.url, '{ me { email } }', { token: people[0]?.token ?? null })).status).toBe(200)
    const backMs = performance.now() - endedAt
    const by = Map.groupBy(asked, ({ outcome }) => outcome)
    const [served, refused] = [by.get('200') ?? [], by.get('503 UNAVAILABLE') ?? []]
    // Whoever comes is served or told to come again, and nothing else.
    expect(asked.length - served.length - refused.length).toBe(0)
    expect(refused.filter(({ retryAfterSeconds }) => retryAfterSeconds < 1)).toEqual([])
    return {
      limit,
      served: served.length,
      refused: refused.length,
      servedMs: tookOf(served),
      refusedMs: refused.length > 0 ? tookOf(refused) : null,
      liveMs: timesOf(health.live),
      readyMs: timesOf(health.ready),
      unready: health.unready,
      backMs,
    }
  } finally {
    await server.stop()
  }
}

test('more is asked for than can be served: some are refused early, and the rest is served as ever', async () => {
  const limited = await overload(`${LIMIT} at once`, LIMIT)
  const unlimited = await overload('none', 100_000)
  noteOverload([limited, unlimited])

  expect(unlimited.refused).toBe(0)
  expect(limited.unready).toBe(0)
  expect(limited.refused).toBeGreaterThan(limited.served / 20)
  expect(limited.served).toBeGreaterThan(unlimited.served / 3)
  // Compared with each other: how fast the machine is decides nothing.
  expect(limited.servedMs.p99).toBeLessThan(unlimited.servedMs.p50)
  expect(limited.refusedMs?.p99).toBeLessThan(unlimited.servedMs.p50)
  expect(limited.liveMs.p99).toBeLessThan(unlimited.servedMs.p50)
  expect(limited.readyMs.p50).toBeLessThan(unlimited.servedMs.p50)
  expect(limited.backMs).toBeLessThan(MOST_BACK_MS)
})
