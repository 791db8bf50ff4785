import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Running } from '../given-process.ts'
import type { Person } from '../harness.ts'
import { note, type Failure } from './failure-table.ts'
import { expectWhole, givenInstance, givenPeople, MOST_BACK_MS, underLoad } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { givenRedis, type RedisServer } from './given-redis.ts'
import { sawOf, slowestOf } from './load.ts'
import { givenTcpProxy, type TcpProxy } from './tcp-proxy.ts'

let cluster: Cluster
let redis: RedisServer
let proxy: TcpProxy
let server: Running
let people: Person[]

beforeAll(async () => {
  cluster = await givenCluster()
  redis = await givenRedis()
  proxy = await givenTcpProxy(redis.port)
  // A fiftieth of a limit is fetched at a time: of a larger one, Redis would hardly be asked.
  const settings = { REDIS_URL: `redis://127.0.0.1:${proxy.port}`, RATE_LIMIT_USER_PER_MINUTE: '10000' }
  server = await givenInstance(cluster.port, settings)
  people = await givenPeople(server)
})
afterAll(async () => {
  await server?.stop()
  await proxy?.close()
  await redis?.kill()
  await cluster?.remove()
})
beforeEach(() => untilReadiness('ok'))

const readiness = async () => ((await (await fetch(`${server.url}/health/ready`)).json()) as { status: string }).status

/** @returns how long it took, in milliseconds */
async function untilReadiness(status: string): Promise<number> {
  const since = performance.now()
  while ((await readiness()) !== status) {
    expect(performance.now() - since).toBeLessThan(MOST_BACK_MS)
    await sleep(50)
  }
  return performance.now() - since
}

async function expectUnnoticed(name: Failure, failure: string, breaking: () => Promise<void>, mending: () => unknown) {
  let backMs = 0
  const { load, beganAt } = await underLoad(server.url, people, async () => {
    await breaking()
    await untilReadiness('degraded')
    await sleep(2_000)
    await mending()
    backMs = await untilReadiness('ok')
  })
  const seen = load.seen.filter((one) => one.endedAt >= beganAt)
  expect(new Set(seen.map(({ outcome }) => outcome))).toEqual(new Set(['200']))
  const kept = `${await expectWhole(cluster, load.acknowledged)}; limits are counted by each instance alone meanwhile`
  note(name, { failure, saw: sawOf(seen), slowestMs: slowestOf(seen), backMs, kept })
}

test('Redis is gone, and comes back with nothing', () =>
  expectUnnoticed(
    'redis-gone',
    'Redis is gone for 2 s, and comes back empty',
    () => redis.kill(),
    () => redis.start(),
  ))

test('the network to Redis is half open', () =>
  expectUnnoticed(
    'redis-half-open',
    'the network to Redis takes everything and delivers nothing, for 2 s',
    async () => proxy.swallow(),
    () => proxy.mend(),
  ))
