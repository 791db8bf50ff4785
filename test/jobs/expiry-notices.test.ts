import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { change, givenApiKey, REVOKE, ROTATE, UPDATE } from '../api-key/given-api-key.ts'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { issueApiKeys } from '../../src/modules/api-key/issue-api-keys.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { asOwner, givenLogin } from '../session/given-sessions.ts'
import { DAY_MS, loggedAs, notices, runJobs, seenBy, toldOf } from './given-jobs.ts'

let server: TestServer
let now = Date.parse('2030-01-01T00:00:00.000Z')
let start = now
let admin: Person

/** So many days after the test began. */
const at = (days: number) => new Date(start + days * DAY_MS).toISOString()
/** Moves the clock there, and runs the jobs twice: what has been told is not told again. */
async function reach(days: number): Promise<void> {
  now = start + days * DAY_MS
  await runJobs(server)
  await runJobs(server)
}

beforeAll(async () => {
  server = await startServer({ clock: () => new Date(now) })
})
afterAll(() => server?.close())
beforeEach(async () => {
  // Each test begins where nothing of the one before is left to expire.
  now += 400 * DAY_MS
  start = now
  admin = await givenPerson(server)
})

/** The admin as somebody who has signed in now: tokens do not last for days. */
const signedIn = async () => ({ ...admin, ...(await givenLogin(server, admin, admin.organizationId)) })

test('a key is told of 30, 7 and 1 days before it expires, once each', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(60) })
  const told: [day: number, daysLeft: number[]][] = [
    ...([
      [0, []],
      [29.99, []],
      [30, [30]],
      [30.01, [30]],
      [52.99, [30]],
      [53, [30, 7]],
    ] as [number, number[]][]),
    ...([
      [58.99, [30, 7]],
      [59, [30, 7, 1]],
      [59.99, [30, 7, 1]],
      [61, [30, 7, 1]],
    ] as [number, number[]][]),
  ]
  for (const [day, expected] of told) {
    await reach(day)
    expect([day, await toldOf(server, key.id)]).toEqual([day, expected])
  }
})

test('a notice is in the audit trail of the key’s organization, without an actor, and nowhere else', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(60) })
  const other = await givenPerson(server, 'Elsewhere')
  await reach(30)
  expect(await seenBy(server, admin)).toEqual([
    {
      ...{ actorKind: null, actorId: null, ipAddress: null, userAgent: null, requestId: null },
      ...{ targetType: 'ApiKey', targetId: key.id, succeeded: true, createdAt: at(30) },
    },
  ])
  expect(await seenBy(server, other)).toEqual([])
})

test('a notice is a warning in the log, with neither name nor secret of the key', async () => {
  const key = await givenApiKey(server, admin, { name: 'A telling name', expiresAt: at(60) })
  await reach(30)
  const lines = loggedAs(server, 'api_key.expiring').filter(({ event }) => event.targetId === key.id)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({
    level: 40,
    event: { organizationId: admin.organizationId, details: { daysLeft: 30, expiresAt: at(60) } },
  })
  expect(JSON.stringify(lines)).not.toMatch(/telling name|tk_/)
})

test('a key that is made for five days is told of one day before, and not at once', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(5) })
  await reach(0)
  await reach(3.9)
  expect(await toldOf(server, key.id)).toEqual([])
  await reach(4)
  expect(await toldOf(server, key.id)).toEqual([1])
})

test('of two notices that have come due meanwhile, the more urgent is told alone', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(60) })
  await reach(55)
  expect(await toldOf(server, key.id)).toEqual([5])
  await reach(59)
  expect(await toldOf(server, key.id)).toEqual([5, 1])
})

test('nothing is told of a key that is revoked, inactive, rotated or expired, or never expires', async () => {
  const expiresAt = at(60)
  const [revoked, inactive, rotated, expired] = [
    await givenApiKey(server, admin, { expiresAt }),
    await givenApiKey(server, admin, { expiresAt }),
    await givenApiKey(server, admin, { expiresAt }),
    await givenApiKey(server, admin, { expiresAt: at(29) }),
  ]
  const [eternal, active] = [await givenApiKey(server, admin), await givenApiKey(server, admin, { expiresAt })]
  await change(server, admin, REVOKE, { id: revoked.id })
  await change(server, admin, UPDATE, { id: inactive.id, isActive: false })
  await change(server, admin, ROTATE, { id: rotated.id, overlapSeconds: 365 * 86_400 })
  await reach(59.5)
  for (const silent of [revoked, inactive, rotated, expired, eternal])
    expect(await toldOf(server, silent.id)).toEqual([])
  expect(await toldOf(server, active.id)).toEqual([1])
})

test('a key that is active again is told of again', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(60) })
  await change(server, admin, UPDATE, { id: key.id, isActive: false })
  await reach(54)
  await change(server, await signedIn(), UPDATE, { id: key.id, isActive: true })
  await reach(54)
  expect(await toldOf(server, key.id)).toEqual([6])
})

test('a key whose end is moved is told of again before its new end, and not of what has passed by then', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(60) })
  await reach(59)
  await change(server, await signedIn(), UPDATE, { id: key.id, expiresAt: at(120) })
  await reach(89)
  expect(await toldOf(server, key.id)).toEqual([1])
  await reach(90)
  expect(await toldOf(server, key.id)).toEqual([1, 30])
  await change(server, await signedIn(), UPDATE, { id: key.id, expiresAt: at(93) })
  await reach(91)
  expect(await toldOf(server, key.id)).toEqual([1, 30])
  await reach(92)
  expect(await toldOf(server, key.id)).toEqual([1, 30, 1])
})

test('the key that another was rotated to has notices of its own', async () => {
  const old = await givenApiKey(server, admin, { expiresAt: at(60) })
  const { apiKey } = await change(server, admin, ROTATE, { id: old.id, overlapSeconds: 0 })
  await reach(30)
  expect([await toldOf(server, old.id), await toldOf(server, apiKey.id)]).toEqual([[], [30]])
})

test('a suspended organization finds the notice when it is back, and a deleted one gets none', async () => {
  const operator = await givenOperator(server)
  const [suspended, deleted] = [await givenPerson(server, 'Suspended'), await givenPerson(server, 'Deleted')]
  const keyOf = async (person: Person) => (await givenApiKey(server, person, { expiresAt: at(60) })).id
  const [kept, gone] = [await keyOf(suspended), await keyOf(deleted)]
  expect((await operate(server, operator, 'suspend', suspended.organizationId)).errors).toEqual([])
  const { errors } = await server.send(
    'mutation ($input: DeleteOrganizationInput!) { deleteOrganization(input: $input) { __typename } }',
    { token: deleted.token, variables: { input: { confirmSlug: deleted.organizationSlug } } },
  )
  expect(errors).toEqual([])
  await reach(30)
  expect([await toldOf(server, kept), await toldOf(server, gone)]).toEqual([[30], []])
})

test('one run tells of as many keys as there are', async () => {
  const wanted = Array.from({ length: 250 }, (_, number) => ({
    ...{ name: `key ${number}`, service: 'many', scopes: ['read:*'], expiresInDays: 60 },
  }))
  await issueApiKeys(server.app.services, admin.organizationSlug, wanted)
  now = start + 30 * DAY_MS
  await runJobs(server)
  const told = (await notices(server)).filter(({ organization_id }) => organization_id === admin.organizationId)
  expect([told.length, new Set(told.map(({ target_id }) => target_id)).size]).toEqual([250, 250])
})

test('without a webhook nothing waits to be delivered', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(60) })
  await reach(30)
  expect(await toldOf(server, key.id)).toEqual([30])
  expect(await asOwner(server, 'select id from webhook_deliveries')).toEqual([])
})

test('a notice that cannot be recorded is not lost: the failure is logged, and the next run makes up for it', async () => {
  const key = await givenApiKey(server, admin, { expiresAt: at(60) })
  await asOwner(server, 'revoke insert on audit_events from tenantry_jobs')
  await reach(30)
  await asOwner(server, 'grant insert on audit_events to tenantry_jobs')
  expect(loggedAs(server, 'a job failed').map(({ level, job }) => [level, job])).toEqual([
    [50, 'expiry notices'],
    [50, 'expiry notices'],
  ])
  expect(await toldOf(server, key.id)).toEqual([])
  await reach(30)
  expect(await toldOf(server, key.id)).toEqual([30])
})
