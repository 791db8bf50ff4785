import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, type Answer, type Person, type TestServer } from '../harness.ts'
import { givenKeyToken } from '../oauth/given-grants.ts'
import { givenOAuthServer } from '../oauth/given-oauth.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { asOwner, givenClock } from '../session/given-sessions.ts'
import { givenApiKey, PROJECTS, sendWithKey, type GivenKey } from './given-api-key.ts'

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
