import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { createDatabase, givenPerson, POSTGRES_URL, startServer, type Person, type TestServer } from '../harness.ts'
import { asOwner } from '../session/given-sessions.ts'
import {
  DAY_MS,
  deliveries,
  givenReceiver,
  loggedAs,
  runJobs,
  SECRET,
  status,
  telling,
  toldOf,
  type Receiver,
} from './given-jobs.ts'

let receiver: Receiver
let server: TestServer
let admin: Person
// A receiver compares the time of an attempt with its own clock: so keys are made in the past, and told of now.
let now = Date.now()
const clock = () => new Date(now)
const advance = (seconds: number) => void (now += seconds * 1_000)

beforeAll(async () => {
  receiver = await givenReceiver()
  server = await startServer({ clock, settings: telling(receiver) })
})
afterAll(async () => {
  await server?.close()
  await receiver?.close()
})
beforeEach(async () => {
  receiver.answer = status(204)
  // Whatever a test has left is delivered before the next one.
  advance(86_400)
  await runJobs(server)
  receiver.received.length = 0
  server.logged.length = 0
})

/** A key of a new organization that is told of now, seven days before it expires. */
async function givenExpiringKey(at: TestServer = server) {
  const today = Date.now()
  now = today - 23 * DAY_MS
  admin = await givenPerson(at)
  const expiresAt = new Date(today + 7 * DAY_MS).toISOString()
  const key = await givenApiKey(at, admin, { name: 'Nightly export', expiresAt })
  now = today
  return { ...key, expiresAt }
}

const ids = () => receiver.received.map(({ headers }) => headers['webhook-id'])

test('the receiver is told once, verifiably, and of nothing secret', async () => {
  const key = await givenExpiringKey()
  await runJobs(server)
  await runJobs(server)
  expect(receiver.received).toHaveLength(1)
  const [{ headers, body }] = receiver.received as [Receiver['received'][0]]
  const verified = new Webhook(SECRET, { format: 'raw' }).verify(body, headers as Record<string, string>)
  const { id, lastEight, expiresAt } = key
  expect(verified).toEqual({
    type: 'api_key.expiring',
    timestamp: clock().toISOString(),
    data: {
      organizationId: admin.organizationId,
      daysLeft: 7,
      apiKey: { id, name: 'Nightly export', service: 'metabase', lastEight, expiresAt },
    },
  })
  expect(() => new Webhook(SECRET, { format: 'raw' }).verify(`${body} `, headers as Record<string, string>)).toThrow()
  expect(loggedAs(server, 'webhook delivered')).toHaveLength(1)
  expect(server.logged.join()).not.toMatch(/Nightly export|in-the-query|tk_test/)
})

test('what was not taken is posted again after the wait, under the same id, until it is', async () => {
  await givenExpiringKey()
  receiver.answer = status(500)
  await runJobs(server)
  await runJobs(server)
  advance(29)
  await runJobs(server)
  expect(receiver.received).toHaveLength(1)
  advance(1)
  await runJobs(server)
  advance(59)
  await runJobs(server)
  expect(receiver.received).toHaveLength(2)
  receiver.answer = status(200)
  advance(1)
  await runJobs(server)
  advance(86_400)
  await runJobs(server)
  expect(ids()).toEqual(Array(3).fill(ids()[0]))
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
  const times = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']))
  expect(times.map((time) => time - times[0]!)).toEqual([0, 30, 90])
  expect(loggedAs(server, 'webhook not delivered').map(({ level, failure }) => [level, failure])).toEqual(
    Array(2).fill([40, 'status 500']),
  )
  expect(await toldOf(server, (await deliveredData()).apiKey.id)).toEqual([7])
})

const deliveredData = async () => JSON.parse(receiver.received[0]!.body).data

test('a redirect is a failure, and what it leads to is not told', async () => {
  await givenExpiringKey()
  receiver.answer = (response, path) =>
    path === '/elsewhere' ? status(200)(response) : status(307, { location: '/elsewhere' })(response)
  await runJobs(server)
  expect(receiver.received.map(({ path }) => path)).toEqual(['/hook?tag=in-the-query'])
  expect(await undelivered()).toHaveLength(1)
})

const undelivered = async () =>
  (await deliveries(server)).filter(({ delivered_at, failed_at }) => !delivered_at && !failed_at)

test('after the last attempt it is given up, with an error in the log', async () => {
  await givenExpiringKey()
  receiver.answer = status(503)
  for (let run = 0; run < 20; run += 1) {
    await runJobs(server)
    advance(6 * 3_600)
  }
  expect(receiver.received).toHaveLength(12)
  const [delivery] = (await deliveries(server)).filter(({ failed_at }) => failed_at)
  expect(delivery).toMatchObject({ id: ids()[0], attempts: 12, delivered_at: null })
  expect(loggedAs(server, 'webhook not delivered')).toHaveLength(11)
  expect(loggedAs(server, 'webhook given up')).toMatchObject([
    { level: 50, failure: 'status 503', delivery: { id: ids()[0], type: 'api_key.expiring', attempts: 12 } },
  ])
  expect(server.logged.join()).not.toMatch(/Nightly export|in-the-query/)
})

test('one whose last attempt nobody has seen the end of is given up, and not posted again', async () => {
  await givenExpiringKey()
  receiver.answer = status(503)
  await runJobs(server)
  await asOwner(server, 'update webhook_deliveries set attempts = 12 where id = ?', ids())
  advance(30)
  await runJobs(server)
  expect(receiver.received).toHaveLength(1)
  expect(loggedAs(server, 'webhook given up')).toMatchObject([{ failure: 'interrupted', delivery: { id: ids()[0] } }])
  expect(await undelivered()).toEqual([])
})

test('one that is not taken does not keep the others', async () => {
  const keys = [await givenExpiringKey(), await givenExpiringKey(), await givenExpiringKey()]
  receiver.answer = (response) => status(receiver.received.length === 1 ? 500 : 200)(response)
  await runJobs(server)
  expect(receiver.received).toHaveLength(3)
  expect(await undelivered()).toHaveLength(1)
  advance(30)
  await runJobs(server)
  expect(new Set(receiver.received.map(({ body }) => JSON.parse(body).data.apiKey.id))).toEqual(
    new Set(keys.map(({ id }) => id)),
  )
  expect(await undelivered()).toEqual([])
})

test('no connection is held while the receiver thinks', async () => {
  await givenExpiringKey()
  let respond = () => {}
  const asked = new Promise<void>((resolve) => {
    receiver.answer = (response) => {
      respond = () => status(200)(response)
      resolve()
    }
  })
  const running = runJobs(server)
  await asked
  // The embedded database has but one.
  const answer = await server.send('{ projects { totalCount } }', { headers: { 'x-api-key': await freshKey() } })
  expect(answer.data).toEqual({ projects: { totalCount: 0 } })
  respond()
  await running
  expect(await undelivered()).toEqual([])
})

test('the runs of one instance come one after the other', async () => {
  await givenExpiringKey()
  let respond = () => {}
  const asked = new Promise<void>((resolve) => {
    receiver.answer = (response) => {
      respond = () => status(200)(response)
      resolve()
    }
  })
  const ended: string[] = []
  const first = runJobs(server).then(() => ended.push('first'))
  await asked
  const key = await givenExpiringKey()
  const second = runJobs(server).then(() => ended.push('second'))
  await sleep(200)
  expect([ended, await toldOf(server, key.id)]).toEqual([[], []])
  receiver.answer = status(204)
  respond()
  await Promise.all([first, second])
  expect([ended, await toldOf(server, key.id)]).toEqual([['first', 'second'], [7]])
})

const freshKey = async () => (await givenApiKey(server, await givenPerson(server))).secret

test('an instance that ends between claim and delivery leaves it to the next one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-jobs-'))
  const database = POSTGRES_URL ? await createDatabase() : null
  const starting = { clock, databaseUrl: database?.url, settings: { ...telling(receiver), DATA_DIR: directory } }
  const first = await startServer(starting)
  await givenExpiringKey(first)
  let running: Promise<void> | undefined
  const ended = new Promise<void>((resolve, reject) => {
    receiver.answer = (response) => {
      // It stops while the receiver has not answered, and gets no answer.
      const closing = first.close()
      response.destroy()
      closing.then(resolve, reject)
    }
    running = runJobs(first)
  })
  await ended
  await running
  receiver.answer = status(204)
  const second = await startServer(starting)
  try {
    await runJobs(second)
    expect(receiver.received).toHaveLength(1)
    advance(30)
    await runJobs(second)
    await runJobs(second)
    expect(ids()).toEqual(Array(2).fill(ids()[0]))
    expect(await deliveries(second)).toMatchObject([{ attempts: 2, failed_at: null }])
    expect((await deliveries(second))[0]?.delivered_at).not.toBeNull()
  } finally {
    await second.close()
    await database?.drop()
    await rm(directory, { recursive: true, force: true })
  }
})
