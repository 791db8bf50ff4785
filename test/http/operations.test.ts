import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { drain } from '../../src/http/drain.ts'
import { createLogger } from '../../src/http/log.ts'
import { answerOf, givenServer, type GivenServer } from './given-server.ts'

let server: GivenServer
beforeAll(async () => {
  server = await givenServer({ jwks: () => ({ keys: [{ kid: 'k1' }] }) })
})
afterAll(() => server.close())

const factsOf = async (given: GivenServer, headers: Record<string, string>): Promise<Record<string, string>> => {
  const { data } = await answerOf(await given.post({ query: '{ facts }' }, headers))
  return JSON.parse(String(data?.facts)) as Record<string, string>
}

describe('a request id', () => {
  test('is taken from the caller and echoed', async () => {
    const id = '0af7651916cd43dd8448eb211c80319c'
    const response = await server.post({ query: '{ hello }' }, { 'x-request-id': id })
    expect(response.headers.get('x-request-id')).toBe(id)
    expect((await factsOf(server, { 'x-request-id': id })).requestId).toBe(id)
  })

  test('is made anew where the caller’s is not harmless', async () => {
    const hostile = [
      'short',
      'a'.repeat(65),
      'has space',
      'a"b"c"d"e',
      '../../../etc',
      '$(reboot)xx',
      '-leading-dash',
      '{"level":60}',
      'é'.repeat(9),
      'one-two-3, four-five',
    ]
    for (const id of hostile) {
      const response = await server.post({ query: '{ hello }' }, { 'x-request-id': id })
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
    }
  })

  test('stands on every answer', async () => {
    for (const path of ['/health/live', '/nothing', '/graphql', '/graphiql']) {
      expect((await fetch(server.url + path)).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})

describe('the address of the caller', () => {
  const forwarded = { 'x-forwarded-for': '198.51.100.7, 203.0.113.9' }

  test('is the peer’s where no proxy is trusted', async () => {
    expect((await factsOf(server, forwarded)).ipAddress).toBe('127.0.0.1')
  })

  test('is what the last trusted hop saw', async () => {
    const proxied = await givenServer({ config: { trustProxyHops: 1 } })
    expect((await factsOf(proxied, forwarded)).ipAddress).toBe('203.0.113.9')
    expect((await factsOf(proxied, { 'x-forwarded-for': '::ffff:203.0.113.9' })).ipAddress).toBe('203.0.113.9')
    expect((await factsOf(proxied, { 'x-forwarded-for': '::FFFF:cb00:7109' })).ipAddress).toBe('203.0.113.9')
    expect((await factsOf(proxied, { 'x-forwarded-for': '2001:db8::1' })).ipAddress).toBe('2001:db8::1')
    expect((await factsOf(proxied, { 'x-forwarded-for': 'unknown' })).ipAddress).toBe('127.0.0.1')
    await proxied.close()
    const twice = await givenServer({ config: { trustProxyHops: 2 } })
    expect((await factsOf(twice, forwarded)).ipAddress).toBe('198.51.100.7')
    await twice.close()
  })
})

test('a user agent is cut and cleaned', async () => {
  const { userAgent } = await factsOf(server, { 'user-agent': `evil\x85\t${'x'.repeat(400)}` })
  expect(userAgent).toBe(`evil${'x'.repeat(252)}`)
})

describe('the log', () => {
  test('is one JSON object a line, whatever a caller sends', async () => {
    const forged = '\n{"level":60,"msg":"forged"}'
    await server.post({ query: 'query Named($name: String) { hello(name: $name) }', variables: { name: forged } })
    await fetch(`${server.url}/x${encodeURIComponent(forged)}?token=hunter2`)
    const written = server.logged()
    for (const line of written.trimEnd().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) })
    expect(server.lines().filter((line) => line.msg === 'forged')).toEqual([])
    expect(server.lines().find((line) => line.operationName === 'Named')).toMatchObject({
      msg: 'request',
      method: 'POST',
      path: '/graphql',
      status: 200,
      requestId: expect.any(String),
      durationMs: expect.any(Number),
    })
  })

  test('holds no query string, body or credential', async () => {
    const query = 'query ($name: String) { hello(name: $name) }'
    const secrets = {
      authorization: 'Bearer hunter2',
      'x-api-key': 'hunter2',
      'x-tenant-api-key': 'hunter2',
      cookie: 'hunter2',
    }
    await server.post({ query, variables: { name: 'hunter2' } }, secrets)
    await fetch(`${server.url}/graphql?query={hello}&token=hunter2`)
    expect(server.logged()).not.toContain('hunter2')
  })

  test('blots out secrets that are logged by mistake', () => {
    let written = ''
    const log = createLogger('info', { write: (line) => void (written += line) })
    const secrets = {
      authorization: 's3',
      'x-api-key': 's3',
      'x-tenant-api-key': 's3',
      cookie: 's3',
      password: 's3',
      token: 's3',
    }
    log.info({ ...secrets, headers: secrets, request: { headers: secrets } }, 'by mistake')
    log.child({ requestId: 'r' }).info({ headers: secrets }, 'by mistake')
    expect(written).toContain('by mistake')
    expect(written).not.toContain('s3')
  })
})

describe('for whoever runs it, the server', () => {
  test('tells that it lives', async () => {
    const response = await fetch(`${server.url}/health/live`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  })

  test('names the check that keeps it from being ready', async () => {
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
    const failing = await givenServer({ readiness: async () => ({ database: 'ok', migrations: 'pending' }) })
    const response = await fetch(`${failing.url}/health/ready`)
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'unavailable', checks: { database: 'ok', migrations: 'pending' } },
    ])
    await failing.close()
    const broken = await givenServer({ readiness: () => Promise.reject(new Error('hunter2')) })
    const text = await (await fetch(`${broken.url}/health/ready`)).text()
    expect(text).toBe('{"status":"unavailable","checks":{"readiness":"failed"}}')
    await broken.close()
  })

  test('publishes its keys, for caches to keep', async () => {
    const response = await fetch(`${server.url}/.well-known/jwks.json`)
    expect(await response.json()).toEqual({ keys: [{ kid: 'k1' }] })
    expect(response.headers.get('content-type')).toContain('json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  })
})

describe('draining', () => {
  const statusOf = (url: string): Promise<number | 'closed'> =>
    fetch(url).then(
      (response) => response.status,
      () => 'closed',
    )
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

  test('turns readiness first, then refuses, finishes what is in flight, and closes', async () => {
    const draining = await givenServer()
    const hello = `${draining.url}/graphql?query={hello}`
    const inFlight = draining.post({ query: '{ slow(ms: 700) }' })
    await pause(50)
    const drained = drain(draining.app, { graceMs: 250 })
    await pause(20)
    expect(await statusOf(`${draining.url}/health/ready`)).toBe(503)
    expect(await statusOf(`${draining.url}/health/live`)).toBe(200)
    expect(await statusOf(hello)).toBe(200)
    await pause(300)
    expect(await statusOf(hello)).toBe(503)
    expect(await statusOf(`${draining.url}/health/ready`)).toBe(503)
    expect(await answerOf(await inFlight)).toEqual({ data: { slow: 'done' } })
    await drained
    expect(await statusOf(hello)).toBe('closed')
  })

  test('ends although a request never does', async () => {
    const draining = await givenServer()
    const inFlight = draining.post({ query: '{ slow(ms: 5000) }' }).catch(() => 'cut')
    await pause(50)
    const began = performance.now()
    await drain(draining.app, { graceMs: 0, forceMs: 100 })
    expect(performance.now() - began).toBeLessThan(2000)
    expect(await inFlight).toBe('cut')
  })

  test('of an idle server with open connections is over at once', async () => {
    const draining = await givenServer()
    await draining.post({ query: '{ hello }' })
    const began = performance.now()
    await drain(draining.app, { graceMs: 0 })
    expect(performance.now() - began).toBeLessThan(1000)
  })
})
