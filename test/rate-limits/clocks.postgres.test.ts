import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { Quota, RateLimits } from '../../src/rate-limits/rate-limits.ts'
import { startServer, type TestServer } from '../harness.ts'
import { givenLimits, passes, takeAtOnce } from './given-limits.ts'

// On a server alone: the clock of the embedded database is that of its process.
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

test("the windows are by the database's clock: an instance whose own is wrong counts with the others", async () => {
  const limit = { subject: crypto.randomUUID(), perMinute: 10 }
  expect(await takeAtOnce([a], 6, limit)).toBe(6)
  const now = Date.now.bind(Date)
  for (const aheadMs of [3_600_000, -3_600_000]) {
    const ahead = jest.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs)
    const late = await givenLimits(server, { windowSeconds: 60, redisUrl: null })
    const told: Quota[] = []
    expect(await takeAtOnce([late], 2, limit)).toBe(2)
    await passes(late, { subject: crypto.randomUUID(), perMinute: 1 }, (quota) => told.push(quota))
    expect(told[0]?.resetSeconds).toBeLessThanOrEqual(60)
    await late.stop()
    ahead.mockRestore()
  }
  expect(await takeAtOnce([b], 5, limit)).toBe(0)
})
