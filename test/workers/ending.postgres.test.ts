import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { POSTGRES_URL } from '../harness.ts'
import { eventually, givenWorkers, type Workers } from './given-workers.ts'

let server: Workers | null = null
afterEach(async () => {
  await server?.close()
  server = null
})
/** In production a server serves as a login of its own. */
const login = `tenantry_test_${randomBytes(6).toString('hex')}`
const onServer = async (statement: string) => {
  const client = new Client({ connectionString: POSTGRES_URL })
  await client.connect()
  await client.query(statement)
  await client.end()
}
afterAll(() => onServer(`drop role if exists ${login}`))

const secret = () => randomBytes(32).toString('hex')
const inProduction = (databaseUrl: string) => {
  const serving = new URL(databaseUrl)
  serving.username = login
  serving.password = 'a password for this test'
  return {
    ...{ NODE_ENV: 'production', HOST: '127.0.0.1', DRAIN_GRACE_MS: '2000', PASSWORD_HASH_COST: '12' },
    ...{ DATABASE_URL: serving.href, MIGRATION_DATABASE_URL: databaseUrl },
    ...{ JWT_SECRET: secret(), PASSWORD_PEPPER: secret(), API_KEY_HASH_KEY: secret() },
  }
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Asks over a connection of the agent's. @returns the status, or why there is none */
function statusOf(url: string, agent: Agent): Promise<number | string> {
  return new Promise((resolve) => {
    const sent = request(url, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
      response.on('error', (error) => resolve(error.message))
    })
    sent.on('error', (error) => resolve(error.message)).end()
  })
}

/** A request whose body is still to come, on a connection of its own: in flight until it is finished. */
async function givenRequestInFlight(url: string) {
  const body = JSON.stringify({ query: '{ __typename }' })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => void (answer += chunk.toString()))
  const headers = ['content-type: application/json', `content-length: ${body.length}`, 'connection: close']
  socket.write(['POST /graphql HTTP/1.1', 'host: 127.0.0.1', ...headers, '', ''].join('\r\n'))
  await sleep(300)
  return {
    async finish() {
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.write(body)
      await closed
      return answer.split('\r\n')[0]
    },
    cut: () => socket.destroy(),
  }
}

test('a server that is asked to end under load loses no request of those that a load balancer still sends', async () => {
  server = await givenWorkers(inProduction)
  const agent = new Agent({ keepAlive: true })
  const { url } = server
  const answered: (number | string)[] = []
  let isSentTo = true
  const client = async () => {
    while (isSentTo) answered.push(await statusOf(`${url}/graphql?query={__typename}`, agent))
  }
  const clients = Array.from({ length: 16 }, client)
  await sleep(500)
  const before = answered.length
  const ended = server.stop()
  // What a load balancer does: it asks now and then, and sends nothing more once it is told not to.
  const probe = new Agent()
  await eventually(async () => ((await statusOf(`${url}/health/ready`, probe)) === 503 ? true : undefined))
  const meanwhile = answered.length
  await sleep(300)
  isSentTo = false
  await Promise.all(clients)
  agent.destroy()
  expect(new Set(answered)).toEqual(new Set([200]))
  expect(before).toBeGreaterThan(16)
  expect(answered.length).toBeGreaterThan(meanwhile)
  expect((await ended).code).toBe(0)
  const served = server.log().filter(({ msg, path }) => msg === 'request' && path === '/graphql')
  expect(new Set(served.map(({ worker }) => worker))).toEqual(new Set([1, 2]))
  expect(served).toHaveLength(answered.length)
})

test('what is in flight is finished, though a terminal sends its signal to the workers too', async () => {
  server = await givenWorkers()
  const requests = await Promise.all([1, 2, 3, 4].map(() => givenRequestInFlight(server!.url)))
  for (const pid of [server.pid, ...server.pids().values()]) process.kill(pid, 'SIGINT')
  await sleep(300)
  for (const each of requests) expect(await each.finish()).toBe('HTTP/1.1 200 OK')
  expect((await server.ended).code).toBe(0)
})

test('a second signal ends all of them at once', async () => {
  server = await givenWorkers()
  const { cut } = await givenRequestInFlight(server.url)
  const pids = [...server.pids().values()]
  process.kill(server.pid, 'SIGTERM')
  await sleep(500)
  expect(isAlive(server.pid)).toBe(true)
  process.kill(server.pid, 'SIGTERM')
  expect((await server.ended).code).toBe(1)
  await eventually(() => (pids.some(isAlive) ? undefined : true))
  cut()
})

test('workers end with their primary', async () => {
  server = await givenWorkers()
  const pids = [...server.pids().values()]
  expect(pids.map(isAlive)).toEqual([true, true])
  process.kill(server.pid, 'SIGKILL')
  await eventually(() => (pids.some(isAlive) ? undefined : true))
})
