import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from '@jest/globals'
import { answerOf, givenServer, testConfig, type GivenServer } from './given-server.ts'

let server: GivenServer
afterEach(() => server.close())

const HELLO = { query: '{ hello }' }
const calm = testConfig.pressure.maxEventLoopDelayMs

/** Something that operations wait for, and how many do. */
function givenGate() {
  const { promise: opened, resolve } = Promise.withResolvers<null>()
  const gate = {
    waiting: 0,
    open: () => resolve(null),
    pass() {
      gate.waiting += 1
      return opened
    },
  }
  return gate
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(5)
}

/** A server that lets so many operations be under way, each of which waits at the gate; how many refusals it has counted. */
async function givenFullServer(maxInFlight: number) {
  const gate = givenGate()
  const counted = { refusals: 0 }
  server = await givenServer({
    config: { pressure: { maxInFlight, maxEventLoopDelayMs: calm } },
    createContext: async (facts) => {
      await gate.pass()
      return { facts }
    },
    countRefused: async () => void (counted.refusals += 1),
    oauth: {
      discovery: null,
      token: async () => ({}),
      revoke: async () => ({}),
      introspect: async () => ({}),
    } as never,
  })
  const served = Array.from({ length: maxInFlight }, () => server.post(HELLO))
  await until(() => gate.waiting === maxInFlight)
  return { gate, counted, served }
}

/** Sends what is given and nothing more. @returns the answer's head */
async function answerTo(sent: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write(sent)
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return data.toString()
}

test('whoever comes while all places are taken is refused at once, and whoever came before is served', async () => {
  const { gate, counted, served } = await givenFullServer(3)
  const refused = await server.post(HELLO)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await answerOf(refused)).toEqual({
    errors: [{ message: expect.any(String), extensions: { code: 'UNAVAILABLE', retryAfterSeconds: 1 } }],
  })
  // A count may need the database, which has enough to do.
  expect(counted.refusals).toBe(0)
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  gate.open()
  for (const response of await Promise.all(served)) expect(response.status).toBe(200)
  expect((await server.post(HELLO)).status).toBe(200)
})

test('a refusal does not wait for the body', async () => {
  const { gate, served } = await givenFullServer(1)
  const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n'
  expect(await answerTo(head)).toMatch(/^HTTP\/1\.1 503 /)
  gate.open()
  await Promise.all(served)
})

test('OAuth clients are refused in the words of their protocol', async () => {
  const { gate, served } = await givenFullServer(1)
  const ask = () => fetch(`${server.url}/oauth/token`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })
  const refused = await ask()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
  gate.open()
  await Promise.all(served)
  expect((await ask()).status).toBe(200)
})

test('whoever is still sending takes no place', async () => {
  server = await givenServer({ config: { pressure: { maxInFlight: 1, maxEventLoopDelayMs: calm } } })
  const port = Number(new URL(server.url).port)
  const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{'
  const slow = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'))
  for (const socket of slow) await new Promise((done) => socket.write(head, done))
  await sleep(50)
  expect((await server.post(HELLO)).status).toBe(200)
  for (const socket of slow) socket.destroy()
})

test('whoever comes while the event loop is late is refused, until it no longer is', async () => {
  server = await givenServer({ config: { pressure: { maxInFlight: 1_000, maxEventLoopDelayMs: 100 } } })
  let isBlocked = true
  const blocking = (async () => {
    while (isBlocked) {
      const since = performance.now()
      while (performance.now() - since < 300);
      await turn()
    }
  })()
  await until(async () => (await server.post(HELLO)).status === 503)
  isBlocked = false
  await blocking
  await until(async () => (await server.post(HELLO)).status === 200)
})
