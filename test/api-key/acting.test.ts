import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makePowers } from '../../src/access/powers.ts'
import { startApiKeys } from '../../src/principal/api-keys.ts'
import { identify } from '../../src/principal/identify.ts'
import { givenPerson, type Person, type TestServer } from '../harness.ts'
import { givenKeyToken } from '../oauth/given-grants.ts'
import { givenOAuthServer } from '../oauth/given-oauth.ts'
import { deaf, givenFailures } from '../principal/given-signing-keys.ts'
import { asOwner } from '../session/given-sessions.ts'
import { givenApiKey } from './given-api-key.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await givenOAuthServer()
  person = await givenPerson(server)
})
afterAll(() => server.close())

const principalOf = (headers: Record<string, string>) =>
  identify(server.app.services, { requestId: randomUUID(), headers, ipAddress: '127.0.0.1', userAgent: null })

test('a key, and a token of one, have the powers of a key with its scopes', async () => {
  const scopes = ['read:projects']
  const key = await givenApiKey(server, person, { scopes })
  const expected = {
    ...{ kind: 'API_KEY', subject: key.id, organizationId: person.organizationId, role: null, scopes },
    powers: makePowers('API_KEY', null, scopes, server.app.services.scopes),
  }
  expect(await principalOf({ 'x-api-key': key.secret })).toEqual(expected)
  expect(await principalOf({ authorization: `Bearer ${await givenKeyToken(server, key)}` })).toEqual(expected)
})

/** Records held by an instance that hears only what a test tells it. */
async function givenRecords() {
  const { database, log, clock, scopes } = server.app.services
  const channel = givenFailures()
  const hashKey = Buffer.alloc(32)
  const records = await startApiKeys({
    database: deaf(database, channel),
    log,
    clock,
    scopes,
    hashKey,
    environment: 'test',
  })
  return { records, hears: channel.listening! }
}

test('what was held before notifications were lost is forgotten when they come again', async () => {
  const { records, hears } = await givenRecords()
  const demands = async () => (await records.organization(person.organizationId))?.requiresTenantApiKey
  expect(await demands()).toBe(false)
  await asOwner(server, 'update organizations set requires_tenant_api_key = true where id = ?', [person.organizationId])
  expect(await demands()).toBe(false)
  await hears.onConnected()
  expect(await demands()).toBe(true)
  await asOwner(server, 'update organizations set requires_tenant_api_key = false where id = ?', [
    person.organizationId,
  ])
  hears.onMessage(person.organizationId)
  expect(await demands()).toBe(false)
  await records.stop()
})

test('what no organization can be called is looked for nowhere', async () => {
  const { records } = await givenRecords()
  for (const name of ['a'.repeat(256), '\ud800', 'a\0']) expect(records.organization(name, 'slug')).toBeNull()
  const longest = records.organization('a'.repeat(255), 'slug')
  expect(longest).toBeInstanceOf(Promise)
  expect(await longest).toBeNull()
  await records.stop()
})
