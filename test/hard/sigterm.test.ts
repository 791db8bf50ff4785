import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Ended, Running } from '../given-process.ts'
import { note } from './failure-table.ts'
import { databaseUrl, expectWhole, givenInstance, givenPeople, underLoad } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { isServed, sawOf, slowestOf } from './load.ts'
import { givenTcpProxy } from './tcp-proxy.ts'

let cluster: Cluster
const instances: Running[] = []

beforeAll(async () => {
  cluster = await givenCluster()
  for (let made = 0; made < 2; made += 1) instances.push(await givenInstance(cluster.port))
})
afterAll(async () => {
  for (const instance of instances) await instance.stop()
  await cluster?.remove()
})

/** Tells an instance to end under load; its clients hear of the other one as long afterwards. @returns what they saw from then on */
async function endUnderLoad([first, second]: readonly [Running, Running], heardAfterMs: number) {
  const people = await givenPeople(first)
  let url = first.url
  let ended: Ended | null = null
  let tookMs = 0
  const { load, beganAt } = await underLoad(
    () => url,
    people,
    async () => {
      const toldAt = performance.now()
      const ending = first.stop()
      await sleep(heardAfterMs)
      url = second.url
      ended = await ending
      tookMs = performance.now() - toldAt
    },
  )
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const seen = load.seen.filter((one) => one.endedAt >= beganAt)
  // What was begun before is answered; what comes after it is refused, so that it may go elsewhere at once.
  expect(seen.filter((one) => one.startedAt < beganAt && !isServed(one))).toEqual([])
  const kept = await expectWhole(cluster, load.acknowledged)
  return { tookMs, seen, row: { saw: sawOf(seen), slowestMs: slowestOf(seen), backMs: null, kept } }
}

test('an instance is told to end under load, and another one takes over', async () => {
  const { tookMs, seen, row } = await endUnderLoad(instances as [Running, Running], 200)
  for (const { outcome } of seen) expect(['200', '503 UNAVAILABLE', 'no answer']).toContain(outcome)
  const failure = `SIGTERM without a grace period, ended after ${(tookMs / 1_000).toFixed(1)} s; 0.2 s later clients know of another instance`
  note('sigterm', { failure, ...row })
})

const secret = () => randomBytes(32).toString('hex')

/** What an instance in production is given, which serves as a login of its own. */
function inProduction(): Record<string, string> {
  const serving = new URL(databaseUrl(cluster.port))
  Object.assign(serving, { username: 'serving', password: 'a password for this test' })
  return {
    ...{ NODE_ENV: 'production', HOST: '127.0.0.1', DRAIN_GRACE_MS: '3000', PASSWORD_HASH_COST: '12' },
    ...{ DATABASE_URL: serving.href, MIGRATION_DATABASE_URL: databaseUrl(cluster.port) },
    ...{ JWT_SECRET: secret(), PASSWORD_PEPPER: secret(), API_KEY_HASH_KEY: secret() },
  }
}

test('in production nobody notices, whose load balancer does within the grace', async () => {
  const settings = inProduction()
  const [first, second] = [await givenInstance(cluster.port, settings), await givenInstance(cluster.port, settings)]
  instances.push(first, second)
  const { tookMs, seen, row } = await endUnderLoad([first, second], 1_500)
  expect(tookMs).toBeGreaterThanOrEqual(3_000)
  expect(new Set(seen.map(({ outcome }) => outcome))).toEqual(new Set(['200']))
  const failure = 'SIGTERM in production, with a grace period of 3 s; 1.5 s later clients know of another instance'
  note('sigterm-grace', { failure, ...row })
})

test('an instance whose database does not answer any more ends all the same', async () => {
  const proxy = await givenTcpProxy(cluster.port)
  const instance = await givenInstance(proxy.port)
  await givenPeople(instance, 1)
  proxy.swallow()
  const since = performance.now()
  expect(await instance.stop()).toMatchObject({ code: 0, stderr: '' })
  expect(performance.now() - since).toBeLessThan(20_000)
  await proxy.close()
})
