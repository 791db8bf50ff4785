import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Ended, Running } from '../given-process.ts'
import { note } from './failure-table.ts'
import { expectWhole, givenInstance, givenPeople, underLoad } from './given-instance.ts'
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

test('an instance is told to end under load, and another one takes over', async () => {
  const [first, second] = instances as [Running, Running]
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
      // As long as a load balancer takes to see it.
      await sleep(200)
      url = second.url
      ended = await ending
      tookMs = performance.now() - toldAt
    },
  )
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const seen = load.seen.filter((one) => one.endedAt >= beganAt)
  // What was begun before is answered; what comes after it is refused, so that it may go elsewhere at once.
  expect(seen.filter((one) => one.startedAt < beganAt && !isServed(one))).toEqual([])
  for (const { outcome } of seen) expect(['200', '503 UNAVAILABLE', 'no answer']).toContain(outcome)
  const kept = await expectWhole(cluster, load.acknowledged)
  const failure = `SIGTERM without a grace period, ended after ${(tookMs / 1_000).toFixed(1)} s; 0.2 s later clients know of another instance`
  note('sigterm', { failure, saw: sawOf(seen), slowestMs: slowestOf(seen), backMs: null, kept })
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
