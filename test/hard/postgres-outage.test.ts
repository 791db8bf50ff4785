import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Running } from '../given-process.ts'
import type { Person } from '../harness.ts'
import { expectBorne, givenInstance, givenPeople, underLoad } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { givenTcpProxy, type TcpProxy } from './tcp-proxy.ts'

let cluster: Cluster
let proxy: TcpProxy
let server: Running
/** Another one, which no client but the one with the keys knows. */
let other: Running
let people: Person[]

beforeAll(async () => {
  cluster = await givenCluster()
  proxy = await givenTcpProxy(cluster.port)
  server = await givenInstance(proxy.port)
  other = await givenInstance(proxy.port)
  people = await givenPeople(server)
})
afterAll(async () => {
  await server?.stop()
  await other?.stop()
  await proxy?.close()
  await cluster?.remove()
})
beforeEach(() => proxy.mend())

const whileBreaking = (breaking: () => Promise<unknown>) => underLoad(server.url, people, breaking, [other.url])

test('PostgreSQL is restarted under load', async () => {
  const { load, ...times } = await whileBreaking(async () => {
    await cluster.stop('fast')
    await sleep(2_000)
    await cluster.start()
  })
  const failure = 'PostgreSQL is restarted, and away for 2 s'
  const failed = await expectBorne('postgres-restart', { failure, ...times }, { load, cluster })
  expect(failed.length).toBeGreaterThan(0)
})

test('PostgreSQL crashes under load', async () => {
  const { load, ...times } = await whileBreaking(async () => {
    await cluster.stop('immediate')
    await sleep(1_000)
    await cluster.start()
  })
  await expectBorne('postgres-crash', { failure: 'PostgreSQL crashes, and recovers', ...times }, { load, cluster })
})

test('connections are cut in the middle of transactions', async () => {
  const { load, ...times } = await whileBreaking(async () => {
    // Slow enough that each cut meets transactions that are open.
    proxy.delay(5)
    for (let round = 0; round < 10; round += 1) {
      await sleep(150)
      proxy.cut()
    }
    proxy.delay(0)
  })
  const failure = 'all connections to PostgreSQL are cut, 10 times in 2 s'
  const failed = await expectBorne('postgres-cut', { failure, ...times }, { load, cluster })
  expect(failed.length).toBeGreaterThan(0)
})

test('the network to PostgreSQL is half open', async () => {
  const { load, ...times } = await whileBreaking(async () => {
    proxy.swallow()
    await sleep(12_000)
    await proxy.mend()
  })
  const failure = 'the network to PostgreSQL takes everything and delivers nothing, for 12 s'
  const failed = await expectBorne('postgres-half-open', { failure, ...times }, { load, cluster })
  expect(failed.length).toBeGreaterThan(0)
  const left = await cluster.run(
    `select pid from pg_stat_activity where application_name = 'tenantry' and state like 'idle in transaction%'
     and state_change < now() - interval '5 s'`,
  )
  expect(left).toEqual([])
})

test('the network to PostgreSQL is slow', async () => {
  const { load, ...times } = await whileBreaking(async () => {
    proxy.delay(100)
    await sleep(3_000)
    proxy.delay(0)
  })
  const failure = 'everything takes 100 ms more on its way to PostgreSQL and back, for 3 s'
  const failed = await expectBorne('postgres-slow', { failure, ...times }, { load, cluster })
  expect(failed).toEqual([])
})
