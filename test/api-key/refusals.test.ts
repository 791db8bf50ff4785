import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, type Answer, type Person, type TestServer } from '../harness.ts'
import { givenKeyToken } from '../oauth/given-grants.ts'
import { givenOAuthServer } from '../oauth/given-oauth.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { asOwner, givenClock } from '../session/given-sessions.ts'
import { change, givenApiKey, PROJECTS, REVOKE, sendWithKey, type GivenKey } from './given-api-key.ts'

const { clock, advance } = givenClock()
let server: TestServer
let person: Person
let key: GivenKey
beforeAll(async () => {
  server = await givenOAuthServer({ ACCESS_TOKEN_TTL_SECONDS: '86400' }, { clock })
  person = await givenPerson(server)
  key = await givenApiKey(server, person)
})
afterAll(() => server.close())

const send = (headers: Record<string, string>, token?: string) =>
  server.send(PROJECTS, { headers, ...(token && { token }) })
const inWords = ({ status, errors }: Answer) => [status, errors[0]?.extensions.reason, errors[0]?.message]

test('which credentials do not go together is told', async () => {
  const { secret } = key
  const token = await givenKeyToken(server, key)
  const ambiguous = (one: string, other: string) => [
    400,
    'AMBIGUOUS',
    `The credentials are ambiguous: give ${one} or ${other}`,
  ]
  expect(inWords(await send({ 'x-api-key': secret }, person.token))).toEqual(ambiguous('X-Api-Key', 'Authorization'))
  expect(inWords(await send({ 'x-api-key': secret, 'x-tenant-api-key': secret }))).toEqual(
    ambiguous('X-Api-Key', 'X-Tenant-Api-Key'),
  )
  expect(inWords(await send({ 'x-tenant-api-key': secret }, token))).toEqual(
    ambiguous("an API key's access token", 'X-Tenant-Api-Key'),
  )
})

test("a key, and a token of one, are for the key's organization", async () => {
  const refusal = [403, 'NOT_THE_KEYS_ORGANIZATION', "X-Tenant-Id is not the API key's organization"]
  const other = { 'x-tenant-id': (await givenPerson(server)).organizationId }
  expect(inWords(await send({ 'x-api-key': key.secret, ...other }))).toEqual(refusal)
  expect(inWords(await send(other, await givenKeyToken(server, key)))).toEqual(refusal)
  const own = { 'x-tenant-id': person.organizationId.toUpperCase() }
  expect((await send({ 'x-api-key': key.secret, ...own })).errors).toEqual([])
})

test('what is no key, and a key that nobody has, are told apart', async () => {
  expect(inWords(await sendWithKey(server, `${key.secret}x`))).toEqual([401, 'MALFORMED', 'The API key is malformed'])
  const unknown = (await givenApiKey(server, person)).secret
  await asOwner(server, "update api_keys set key_hash = 'another' where last_eight = ?", [unknown.slice(-8)])
  expect(inWords(await sendWithKey(server, unknown))).toEqual([401, 'INVALID', 'The API key is not known'])
})

test('a token whose key has ended, or is of another organization by now, is not accepted', async () => {
  const refusal = [401, 'REVOKED', 'The API key that obtained the access token is no longer accepted']
  const expiresAt = new Date(clock().getTime() + 60_000).toISOString()
  const token = await givenKeyToken(server, await givenApiKey(server, person, { expiresAt }))
  expect((await send({}, token)).errors).toEqual([])
  advance(61)
  expect(inWords(await send({}, token))).toEqual(refusal)
  const moved = await givenApiKey(server, person)
  const before = await givenKeyToken(server, moved)
  const { organizationId } = await givenPerson(server)
  await asOwner(server, 'update api_keys set organization_id = ? where id = ?', [organizationId, moved.id])
  expect(inWords(await send({}, before))).toEqual(refusal)
})

test('a token whose key is gone is not accepted', async () => {
  const gone = await givenApiKey(server, person)
  const token = await givenKeyToken(server, gone)
  await asOwner(server, 'delete from api_keys where id = ?', [gone.id])
  expect(inWords(await send({}, token))).toEqual([
    401,
    'REVOKED',
    'The API key that obtained the access token is no longer accepted',
  ])
})

test('what X-Tenant-Api-Key goes with, and what it is for, is told', async () => {
  const tenant = { 'x-tenant-id': person.organizationId }
  const ofTenant = { 'x-tenant-api-key': key.secret }
  expect(inWords(await send(ofTenant))).toEqual([401, 'MISSING', 'X-Tenant-Api-Key goes with an access token'])
  expect(inWords(await send(ofTenant, person.token))).toEqual([
    400,
    'INCOMPLETE',
    'X-Tenant-Api-Key goes with X-Tenant-Id',
  ])
  expect((await send({ ...tenant, ...ofTenant }, person.token)).errors).toEqual([])
  const foreign = await givenApiKey(server, await givenPerson(server))
  expect(inWords(await send({ ...tenant, 'x-tenant-api-key': foreign.secret }, person.token))).toEqual([
    403,
    'NOT_THE_TENANTS_KEY',
    'X-Tenant-Api-Key is not a key of the organization in X-Tenant-Id',
  ])
})

test('that an organization demands X-Tenant-Api-Key is told', async () => {
  const { token, organizationId } = await givenPerson(server)
  await asOwner(server, 'update organizations set requires_tenant_api_key = true where id = ?', [organizationId])
  const answer = await send({ 'x-tenant-id': organizationId }, token)
  expect(inWords(answer)).toEqual([403, 'TENANT_API_KEY_REQUIRED', 'The organization demands X-Tenant-Api-Key'])
  const header = ['X-Tenant-Api-Key']
  expect(answer.errors[0]?.extensions).toMatchObject({ required: header, missing: header })
})

test('a key that has ended is refused for that, however often, and the log tells which', async () => {
  const ended = await givenApiKey(server, person, { rateLimitPerMinute: 2 })
  await change(server, person, REVOKE, { id: ended.id })
  for (let request = 0; request < 4; request += 1) {
    expect(inWords(await sendWithKey(server, ended.secret))).toEqual([403, 'REVOKED', 'The API key has been revoked'])
  }
  const told = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(told).toContainEqual(
    expect.objectContaining({ msg: 'an API key was refused', apiKey: ended.id, status: 'REVOKED' }),
  )
})

test('that the organization is deleted is told', async () => {
  const other = await givenPerson(server, 'To be deleted')
  const { secret } = await givenApiKey(server, other)
  const confirm = 'mutation { deleteOrganization(input: { confirmSlug: "to-be-deleted" }) { organization { id } } }'
  expect((await server.send(confirm, { token: other.token })).errors).toEqual([])
  expect(inWords(await sendWithKey(server, secret))).toEqual([
    403,
    'ORGANIZATION_DELETED',
    "The API key's organization has been deleted",
  ])
})

test('that the organization is suspended is told', async () => {
  const other = await givenPerson(server)
  const { secret } = await givenApiKey(server, other)
  const operator = await givenOperator(server)
  const suspended = await operate(server, operator, 'suspend', other.organizationId, { reason: 'unpaid' })
  expect(suspended.errors).toEqual([])
  expect(inWords(await sendWithKey(server, secret))).toEqual([
    403,
    'ORGANIZATION_SUSPENDED',
    "The API key's organization is suspended",
  ])
})
