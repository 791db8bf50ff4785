import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { givenApiKey, sendWithKey } from '../api-key/given-api-key.ts'
import {
  createDatabase,
  expectError,
  givenPerson,
  POSTGRES_URL,
  REDIS_URL,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { givenProxy, type Proxy } from './given-proxy.ts'

const WHO = '{ principal { kind } }'
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }'
const SETTINGS = { RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE: '5', SIGN_IN_FREE_FAILURES: '99' }

let proxy: Proxy
let a: TestServer
/** Another instance, on the same database where that can serve two, and on the same Redis in any case. */
let b: TestServer
let admin: Person
let drop: () => Promise<void> = async () => {}

beforeAll(async () => {
  proxy = await givenProxy(REDIS_URL ?? '')
  const settings = { ...SETTINGS, REDIS_URL: proxy.url, REDIS_KEY_PREFIX: `test:${crypto.randomUUID()}:` }
  const database = POSTGRES_URL ? await createDatabase() : null
  drop = database?.drop ?? drop
  a = await startServer({ settings, databaseUrl: database?.url })
  b = await startServer({ settings, databaseUrl: database?.url })
  admin = await givenPerson(a)
})
afterAll(async () => {
  await Promise.all([a?.close(), b?.close()])
  await proxy?.close()
  await drop()
  // The client leaves the clock of its last attempt to connect running.
  await sleep(2_000)
})
beforeEach(async () => {
  proxy.speak()
  for (const server of [a, b]) await untilStatus(server, 'ok')
})

const login = (server: TestServer, email: string, password = 'a wrong guess 1') =>
  server.send(LOGIN, { variables: { input: { email, password } } })
const isLimited = ({ errors }: Answer) => errors.some(({ extensions }) => extensions.code === 'RATE_LIMITED')
const passed = (answers: readonly Answer[]) => answers.filter((answer) => !isLimited(answer)).length
const someone = () => `${crypto.randomUUID()}@example.test`

async function readiness(
  server: TestServer,
): Promise<{ code: number; status: string; checks: Record<string, string> }> {
  const response = await fetch(`${server.url}/health/ready`)
  return { code: response.status, ...((await response.json()) as { status: string; checks: Record<string, string> }) }
}

/** Waits until readiness says so. */
async function untilStatus(server: TestServer, status: string): Promise<void> {
  const end = Date.now() + 10_000
  while (Date.now() < end) {
    if ((await readiness(server)).status === status) return
    await sleep(100)
  }
  throw new Error(`readiness did not become ${status}`)
}

test('of 20 sign-ins at once on two instances exactly 5 are looked at', async () => {
  for (let round = 0; round < 10; round += 1) {
    const email = someone()
    const answers = await Promise.all(Array.from({ length: 20 }, (_, turn) => login(turn % 2 ? a : b, email)))
    expect(passed(answers)).toBe(5)
  }
})

test('what stands in Redis names nobody, and goes by itself', async () => {
  const email = someone()
  await login(a, email)
  const redis = new Redis(REDIS_URL ?? '')
  const keys = await redis.keys(`${a.app.services.config.rateLimits.redis?.keyPrefix}*`)
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) {
    expect(key).not.toContain(email)
    expect(key).not.toContain('127.0.0.1')
    expect(await redis.ttl(key)).toBeGreaterThan(0)
    expect(await redis.ttl(key)).toBeLessThanOrEqual(60)
  }
  redis.disconnect()
})

test('with Redis gone the limits go on in memory, and who was refused stays refused', async () => {
  const [refused, fresh] = [someone(), someone()]
  for (let turn = 0; turn < 6; turn += 1) await login(a, refused)
  expectError(await login(a, refused), 'RATE_LIMITED')
  await proxy.cut()
  try {
    expectError(await login(a, refused), 'RATE_LIMITED')
    const answers = await Promise.all(Array.from({ length: 10 }, () => login(a, fresh)))
    expect(passed(answers)).toBe(5)
    await untilStatus(a, 'degraded')
    expect(await readiness(a)).toMatchObject({
      code: 200,
      status: 'degraded',
      checks: { database: 'ok', rateLimits: 'degraded: counted by each instance alone' },
    })
    expect(a.logged.join('')).toContain('rate limits are counted in the memory of this instance alone')
  } finally {
    await proxy.mend()
  }
  await untilStatus(a, 'ok')
  expect(a.logged.join('')).toContain('rate limits are counted for all instances again')
  // What was counted meanwhile is not forgotten.
  expectError(await login(a, fresh), 'RATE_LIMITED')
  expectError(await login(a, refused), 'RATE_LIMITED')
})

test('what was taken before Redis went counts in what is left', async () => {
  const email = someone()
  for (let turn = 0; turn < 3; turn += 1) await login(a, email)
  await proxy.cut()
  try {
    expect(passed(await Promise.all(Array.from({ length: 10 }, () => login(a, email))))).toBe(2)
  } finally {
    await proxy.mend()
  }
})

test("a key's limit holds without Redis, too", async () => {
  const { secret } = await givenApiKey(a, admin, { rateLimitPerMinute: 10 })
  await proxy.cut()
  try {
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendWithKey(a, secret, WHO)))
    expect(passed(answers)).toBe(10)
  } finally {
    await proxy.mend()
  }
})

test('a Redis that does not answer holds nobody up', async () => {
  proxy.silence()
  const start = performance.now()
  const answers = await Promise.all(Array.from({ length: 10 }, () => login(a, someone())))
  expect(passed(answers)).toBe(10)
  const again = await Promise.all(Array.from({ length: 10 }, () => a.send(WHO, { token: admin.token })))
  expect(again.every(({ status }) => status === 200)).toBe(true)
  expect(performance.now() - start).toBeLessThan(5_000)
})

test('a server starts without its Redis, and says so', async () => {
  const alone = await startServer({ settings: { ...SETTINGS, REDIS_URL: 'redis://127.0.0.1:1' } })
  const email = someone()
  expect(passed(await Promise.all(Array.from({ length: 10 }, () => login(alone, email))))).toBe(5)
  await untilStatus(alone, 'degraded')
  await alone.close()
})
