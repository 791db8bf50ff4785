import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { runStatement } from '../../src/database/statement.ts'
import type { Quota, RateLimits } from '../../src/rate-limits/rate-limits.ts'
import { startServer, type TestServer } from '../harness.ts'
import { givenLimits, passes, takeAtOnce } from './given-limits.ts'

let server: TestServer
let a: RateLimits
let b: RateLimits

beforeAll(async () => {
  server = await startServer({ settings: { REDIS_URL: '' } })
  a = await givenLimits(server, { windowSeconds: 60, redisUrl: null })
  b = await givenLimits(server, { windowSeconds: 60, redisUrl: null })
})
afterAll(async () => {
  await a?.stop()
  await b?.stop()
  await server?.close()
})

const someone = (perMinute: number) => ({ subject: randomUUID(), perMinute })

test('of 20 at once on two instances exactly 10 pass a limit of 10, in each of 50 rounds', async () => {
  for (let round = 0; round < 50; round += 1) expect(await takeAtOnce([a, b], 10, someone(10))).toBe(10)
})

test.each([1, 49, 50, 51, 600])('exactly %i pass a limit of as many, however they are fetched', async (perMinute) => {
  expect(await takeAtOnce([a, b], perMinute, someone(perMinute))).toBe(perMinute)
})

test('a limit is for one subject', async () => {
  const [one, other] = [someone(1), someone(1)]
  expect([await passes(a, one), await passes(a, one), await passes(a, other)]).toEqual([true, false, true])
})

test('what is left is told, to those who are refused as well', async () => {
  const told: Quota[] = []
  const limit = someone(2)
  for (let turn = 0; turn < 3; turn += 1) await passes(a, limit, (quota) => told.push(quota))
  expect(told.map(({ remaining }) => remaining)).toEqual([1, 0, 0])
  for (const quota of told) expect(quota).toMatchObject({ policy: 'test', limit: 2, windowSeconds: 60 })
  for (const { resetSeconds } of told) expect([59, 60]).toContain(resetSeconds)
})

test('when its window has ended, all of a limit is there again', async () => {
  const short = await givenLimits(server, { redisUrl: null })
  const limit = someone(3)
  expect(await takeAtOnce([short], 5, limit)).toBe(3)
  await sleep(1_100)
  expect(await takeAtOnce([short], 5, limit)).toBe(3)
  await short.stop()
})

test('a large limit is fetched in portions: for fifty of 2,500 the store is asked once', async () => {
  const limit = someone(2_500)
  const before = await counted()
  for (let turn = 0; turn < 50; turn += 1) await passes(a, limit)
  expect(await counted()).toBe(before + 50)
  await passes(a, limit)
  expect(await counted()).toBe(before + 100)
})

/** What all counters say together. */
async function counted(): Promise<number> {
  const { rows } = await runStatement(server.app.services.database, {
    text: 'select coalesce(sum(points), 0)::int as points from rate_limit_counters',
  })
  return (rows[0] as { points: number }).points
}

test('what is given back can be taken again, and is not more than was taken', async () => {
  const limit = { policy: 'test', ...someone(2) }
  const giveBack = await a.take(limit)
  expect([await passes(a, limit), await passes(a, limit)]).toEqual([true, false])
  giveBack()
  expect([await passes(a, limit), await passes(a, limit)]).toEqual([true, false])
})

test('what is given back when its window has ended is none of the next one', async () => {
  const short = await givenLimits(server, { redisUrl: null })
  const limit = { policy: 'test', ...someone(3) }
  const giveBack = await short.take(limit)
  await sleep(1_100)
  expect(await passes(short, limit)).toBe(true)
  giveBack()
  expect(await takeAtOnce([short], 5, limit)).toBe(2)
  await short.stop()
})

test('a store that does not answer in time is not waited for, and is asked again', async () => {
  const { orm } = server.app.services.database
  const client = orm.em.getConnection().getClient()
  const executeQuery = client.executeQuery.bind(client)
  const hanging = jest.spyOn(client, 'executeQuery').mockImplementation(() => new Promise(() => {}))
  const limits = await givenLimits(server, { windowSeconds: 60, redisUrl: null })
  expect(limits.isDegraded()).toBe(true)
  const start = performance.now()
  expect(await takeAtOnce([limits], 20, someone(10))).toBe(10)
  expect(performance.now() - start).toBeLessThan(1_500)
  hanging.mockImplementation(executeQuery)
  for (const end = Date.now() + 15_000; limits.isDegraded() && Date.now() < end;) await sleep(50)
  expect(limits.isDegraded()).toBe(false)
  hanging.mockRestore()
  await limits.stop()
})

test('a limit that is lowered is in force at once, and so is one that is raised', async () => {
  const { subject } = someone(0)
  expect(await takeAtOnce([a], 10, { subject, perMinute: 100 })).toBe(10)
  expect(await passes(a, { subject, perMinute: 5 })).toBe(false)
  expect(await takeAtOnce([a], 20, { subject, perMinute: 20 })).toBeGreaterThan(0)
  expect(await passes(a, { subject, perMinute: 20 })).toBe(false)
})

test('whoever was refused stays so when the counters are lost', async () => {
  const limit = someone(5)
  expect(await takeAtOnce([a], 8, limit)).toBe(5)
  await runStatement(server.app.services.database, { text: 'delete from rate_limit_counters' })
  expect(await passes(a, limit)).toBe(false)
})

test('what was taken before the counters were lost still counts', async () => {
  const limit = someone(5)
  expect(await takeAtOnce([a], 3, limit)).toBe(3)
  await runStatement(server.app.services.database, { text: 'delete from rate_limit_counters' })
  expect(await takeAtOnce([a], 10, limit)).toBe(2)
})

test('the table names nobody', async () => {
  const limit = { subject: 'address 192.0.2.77', perMinute: 5 }
  await passes(a, limit)
  const { rows } = await runStatement(server.app.services.database, { text: 'select * from rate_limit_counters' })
  expect(rows.length).toBeGreaterThan(0)
  expect(JSON.stringify(rows)).not.toContain('192.0.2')
})

test('a statement of the limiter reaches no row of a tenant', async () => {
  for (const table of ['projects', 'users', 'audit_events', 'api_keys']) {
    await expect(runStatement(server.app.services.database, { text: `select id from ${table}` })).rejects.toThrow(
      /mikro\.tenant\.organizationId|invalid input syntax for type uuid: ""/,
    )
  }
})

test('in memory each instance counts alone', async () => {
  const alone = await startServer({ settings: { RATE_LIMIT_STORE: 'memory' } })
  const limits = await givenLimits(alone)
  const others = await givenLimits(alone)
  const limit = someone(3)
  expect(await takeAtOnce([limits], 5, limit)).toBe(3)
  expect(await takeAtOnce([others], 5, limit)).toBe(3)
  expect(limits.isDegraded()).toBe(false)
  await sleep(1_100)
  expect(await takeAtOnce([limits], 5, limit)).toBe(3)
  await Promise.all([limits.stop(), others.stop(), alone.close()])
})
