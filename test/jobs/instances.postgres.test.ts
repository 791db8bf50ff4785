import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { advisoryLocks } from '../../src/database/advisory-locks.ts'
import { issueApiKeys } from '../../src/modules/api-key/issue-api-keys.ts'
import { givenPerson, startServer, type TestServer } from '../harness.ts'
import { asOwner } from '../session/given-sessions.ts'
import { DAY_MS, givenReceiver, notices, runJobs, status, telling, type Receiver } from './given-jobs.ts'

let receiver: Receiver
let instances: TestServer[]
let now = Date.parse('2030-01-01T00:00:00.000Z')

beforeAll(async () => {
  receiver = await givenReceiver()
  const starting = { clock: () => new Date(now), settings: telling(receiver) }
  const first = await startServer(starting)
  instances = [
    first,
    ...(await Promise.all([1, 2].map(() => startServer({ ...starting, databaseUrl: first.databaseUrl })))),
  ]
})
afterAll(async () => {
  for (const instance of instances?.toReversed() ?? []) await instance.close()
  await receiver?.close()
})

/** Keys of a new organization that end in 60 days. */
async function givenKeys(count: number): Promise<string[]> {
  const [first] = instances as [TestServer]
  const { organizationSlug } = await givenPerson(first)
  const wanted = Array.from({ length: count }, (_, at) => ({
    ...{ name: `key ${at}`, service: 'many', scopes: ['read:*'], expiresInDays: 60 },
  }))
  const issued = await issueApiKeys(first.app.services, organizationSlug, wanted)
  return issued.map(({ apiKey }) => apiKey.id)
}
const several = () => Promise.all(instances.flatMap((instance) => [runJobs(instance), runJobs(instance)]))

test('several instances at once tell of each key once, in the audit trail and to the webhook', async () => {
  const keys = await givenKeys(150)
  for (const day of [30, 53, 59]) {
    now = Date.parse('2030-01-01T00:00:00.000Z') + day * DAY_MS
    receiver.received.length = 0
    const before = (await notices(instances[0]!)).length
    await several()
    const told = (await notices(instances[0]!)).slice(before)
    expect(told.map(({ target_id }) => target_id).sort()).toEqual([...keys].sort())
    const posted = receiver.received.map(({ body }) => JSON.parse(body).data.apiKey.id as string)
    expect(posted.sort()).toEqual([...keys].sort())
  }
})

test('while one instance is at it, the others leave it alone', async () => {
  const keys = await givenKeys(3)
  now += 30 * DAY_MS
  const elsewhere = new Client({ connectionString: instances[0]!.databaseUrl })
  await elsewhere.connect()
  await elsewhere.query('select pg_advisory_lock($1)', [advisoryLocks.notices])
  const told = async () =>
    (await notices(instances[0]!)).filter(({ target_id }) => keys.includes(target_id)).map(({ target_id }) => target_id)
  await several()
  expect(await told()).toEqual([])
  await elsewhere.end()
  await several()
  expect((await told()).sort()).toEqual([...keys].sort())
})

test('a key that somebody is changing is told of when they have done, and nobody waits', async () => {
  const [held = '', free = ''] = await givenKeys(2)
  now += 30 * DAY_MS
  const elsewhere = new Client({ connectionString: instances[0]!.databaseUrl })
  await elsewhere.connect()
  await elsewhere.query('begin')
  await elsewhere.query('update api_keys set revoked_at = now() where id = $1', [held])
  const told = async () =>
    (await notices(instances[0]!))
      .filter(({ target_id }) => [held, free].includes(target_id))
      .map((one) => one.target_id)
  await several()
  expect(await told()).toEqual([free])
  await elsewhere.query('commit')
  await elsewhere.end()
  await several()
  expect(await told()).toEqual([free])
  expect(
    await asOwner(instances[0]!, 'select expiry_notified_days as days from api_keys where id = ?', [held]),
  ).toEqual([{ days: null }])
})

test('a delivery that another instance is claiming is left to it', async () => {
  await givenKeys(3)
  now += 30 * DAY_MS
  receiver.answer = status(503)
  await runJobs(instances[0]!)
  receiver.answer = status(204)
  const postedIds = () => receiver.received.map(({ headers }) => headers['webhook-id'])
  const [held = '', ...free] = postedIds().slice(-3)
  const elsewhere = new Client({ connectionString: instances[0]!.databaseUrl })
  await elsewhere.connect()
  await elsewhere.query('begin')
  await elsewhere.query('select id from webhook_deliveries where id = $1 for update', [held])
  now += 30_000
  receiver.received.length = 0
  await several()
  expect(postedIds().sort()).toEqual(free.sort())
  await elsewhere.end()
  await several()
  expect(postedIds().sort()).toEqual([held, ...free].sort())
})
