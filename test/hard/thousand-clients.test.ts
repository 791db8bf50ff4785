import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pLimit from 'p-limit'
import type { Running } from '../given-process.ts'
import { givenGateway, givenPerson, givenProject, type Person } from '../harness.ts'
import { at } from '../session/given-sessions.ts'
import { runClients, type Asked } from './clients-plan.ts'
import { givenInstance } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { shareWithin, type Within } from './histogram.ts'
import { inspect, type Inspector } from './inspector.ts'
import { noteLoad, type Load, type Moment } from './load-page.ts'
import { freePort } from './programs.ts'

const CLIENTS = 1_000
const SECONDS = Number(process.env.LOAD_SECONDS ?? 300)
/** The heap is compared with what it was then: caches have filled, and code has been compiled. */
const FIRST_MINUTE_SECONDS = Math.min(60, Math.ceil(SECONDS / 5))
const LOOK_EVERY_MS = 5_000
/** A password takes a good part of a second of a core. */
const LOGIN_EVERY_MS = 5_000
/** What a heap may differ by though nothing grows: the requests that are under way when it is collected, compiled code. */
const UNSTEADY = 1.1

let cluster: Cluster
let server: Running
let people: Person[]

beforeAll(async () => {
  cluster = await givenCluster()
  // Passwords are hashed quickly by this instance, and as slowly as in production by the one that is measured.
  const quick = await givenInstance(cluster.port, { LOG_LEVEL: 'warn' })
  people = await givenCustomers(quick)
  await quick.stop()
}, 300_000)
afterAll(async () => {
  await server?.stop()
  await cluster?.remove()
})

/** People, each with a session and an organization in which there are projects with gateways. */
async function givenCustomers({ url }: Running): Promise<Person[]> {
  const few = pLimit(8)
  const customer = async (): Promise<Person> => {
    const person = await givenPerson(at(url))
    for (let project = 0; project < 3; project += 1) {
      const id = await givenProject(at(url), person, `Project ${project}`)
      await givenGateway(at(url), person, id)
    }
    return person
  }
  return Promise.all(Array.from({ length: CLIENTS }, () => few(customer)))
}

const SHARES = { me: 0.15, write: 0.05 }

/** How long the clients must pause for the machine to have a quarter of what it can do to do: it does other things as well. */
async function pauseFor(url: string): Promise<[number, number]> {
  const plan = { url, sessions: people.slice(0, 32), seconds: 15, pauseMs: [0, 0] as const, shares: SHARES }
  // The first 5 s are for the compiler.
  const aSecond = (await runClients(plan)).filter(({ atMs }) => atMs > 5_000).length / 10
  const meanMs = Math.min(Math.max((CLIENTS / (aSecond / 4)) * 1_000, 4_000), 30_000)
  return [meanMs / 2, meanMs * 1.5]
}

/** Looks into the server until the clients are done. */
async function watch(
  inspector: Inspector,
  done: Promise<unknown>,
): Promise<{ moments: Moment[]; heaps: Load['heaps'] }> {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1_000
  const [moments, heaps]: [Moment[], Load['heaps']] = [[], []]
  const over = { is: false }
  void done.finally(() => (over.is = true))
  while (!over.is) {
    await sleep(LOOK_EVERY_MS)
    if (over.is) break
    moments.push({ seconds: seconds(), ...(await inspector.look()) })
    const isDue = seconds() >= FIRST_MINUTE_SECONDS * (heaps.length + 1)
    if (isDue) heaps.push({ seconds: seconds(), bytes: await inspector.heapAfterCollection() })
  }
  return { moments, heaps }
}

/** What the server's own histograms say of its tokens, once it has any. */
async function tokenTimes(port: number): Promise<Load['tokens']> {
  const metrics = `http://127.0.0.1:${port}/metrics`
  return {
    making: await shareWithin(metrics, 'tenantry_token_making_duration_seconds', 0.1),
    checking: await shareWithin(metrics, 'tenantry_token_check_duration_seconds', 0.05),
  }
}

/** Nearly all, and some at all: a thread may be stopped at any time, by whatever else the machine does. */
function expectNearlyAll({ count, share }: Within): void {
  expect(count).toBeGreaterThan(0)
  expect(share).toBeGreaterThan(0.99)
}

/** How often each thing went wrong. */
const wrongIn = (asked: readonly Asked[]) => {
  const wrong = asked.filter(({ outcome }) => outcome !== '200')
  return Object.fromEntries(
    [...Map.groupBy(wrong, ({ kind, outcome }) => `${kind}: ${outcome}`)].map(([of, all]) => [of, all.length]),
  )
}

test(
  `${CLIENTS} people work at once for ${SECONDS} s: nothing fails, and no memory grows`,
  async () => {
    const [port, metricsPort] = [await freePort(), await freePort()]
    server = await givenInstance(cluster.port, {
      NODE_OPTIONS: `--expose-gc --inspect=127.0.0.1:${port}`,
      METRICS_PORT: String(metricsPort),
      PASSWORD_HASH_COST: '12',
      MAX_EVENT_LOOP_DELAY_MS: '1000',
      LOG_LEVEL: 'warn',
    })
    const inspector = await inspect(port)
    const pauseMs = await pauseFor(server.url)
    const clients = runClients({
      url: server.url,
      sessions: people,
      seconds: SECONDS,
      pauseMs,
      shares: { ...SHARES, refresh: 0.1 },
      loginEveryMs: LOGIN_EVERY_MS,
    })
    const { moments, heaps } = await watch(inspector, clients)
    const asked = await clients
    inspector.close()
    const tokens = await tokenTimes(metricsPort)
    noteLoad({ clients: CLIENTS, seconds: SECONDS, pauseMs, asked, moments, heaps, tokens })

    expect(wrongIn(asked)).toEqual({})
    // Each of them has been served again and again.
    expect(asked.length).toBeGreaterThan((CLIENTS * SECONDS * 1_000) / pauseMs[1] / 2)
    expect(asked.filter(({ kind }) => kind === 'login').length).toBeGreaterThan((SECONDS * 1_000) / LOGIN_EVERY_MS / 2)
    const [first, last] = [heaps[0], heaps.at(-1)] as [Load['heaps'][0], Load['heaps'][0]]
    expect(heaps.length).toBeGreaterThan(2)
    expect(last.bytes).toBeLessThan(first.bytes * UNSTEADY)
    Object.values(tokens).forEach(expectNearlyAll)
    // At warn: not a single request gave reason to complain.
    expect((await server.stop()).stdout.split('\n').filter((line) => line.startsWith('{'))).toEqual([])
  },
  (SECONDS + 180) * 1_000,
)
