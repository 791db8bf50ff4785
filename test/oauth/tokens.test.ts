import { createPrivateKey, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AccessTokens } from '../../src/principal/access-token.ts'
import { givenApiKey, PROJECTS, type GivenKey } from '../api-key/given-api-key.ts'
import { expectError, givenPerson, type Person, type TestServer } from '../harness.ts'
import { givenProvider, givenRegistration, onThisMachine, type Provider } from '../issuer/given-registration.ts'
import { givenIssuer, tokenOf, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { ecPem, givenKeys, givenTokens, jsonOf, partsOf } from '../principal/given-tokens.ts'
import { claimsOf } from '../session/given-sessions.ts'
import { exchange, givenKeyToken, stateTold, tokenIn } from './given-grants.ts'
import { givenOAuthServer } from './given-oauth.ts'

/** What a token says of its caller, and not when or for whom it was issued. */
type Said = Record<string, unknown>

const pem = ecPem()
let server: TestServer
let issuer: Issuer
let only: Issuer
let provider: Provider
let ada: Person
let bob: Person
let key: GivenKey
let tokens: AccessTokens

beforeAll(async () => {
  ;[issuer, only, provider] = [await givenIssuer(), await givenIssuer(), await givenProvider()]
  const settings = { ...trusting([issuer], [only, { organization: 'acme' }]), ...onThisMachine, JWT_PRIVATE_KEY: pem }
  server = await givenOAuthServer(settings)
  ;[ada, bob] = [await givenPerson(server, 'Acme'), await givenPerson(server, 'Rivals')]
  key = await givenApiKey(server, ada, { scopes: ['read:*'] })
  tokens = givenTokens(givenKeys({ signingKeyPem: pem }), {
    ...{ issuer: server.url, audience: 'tenantry', clock: Date.now },
  })
})
afterAll(async () => {
  await server.close()
  await Promise.all([issuer, only, provider].map((one) => one.close()))
})

/** As the server would sign it, if it said so. */
const signed = (said: Said) => tokens.issue(said as never).token
const byKey = (): Said => ({
  ...{ kind: 'API_KEY', sub: key.id, client_id: key.id },
  ...{ organization: ada.organizationId, scope: 'read:*' },
})
const byIssuer = (): Said => ({
  ...{ kind: 'EXTERNAL', sub: `${issuer.issuer}#somebody`, client_id: 'tenantry' },
  ...{ organization: ada.organizationId, scope: 'read:*', subject_issuer: issuer.issuer, registration: null },
  ...{ given_name: null, family_name: null, preferred_username: null, email: null },
})
const byUser = (): Said => {
  const standard = ['iss', 'aud', 'exp', 'iat', 'jti']
  return Object.fromEntries(Object.entries(claimsOf(ada.token)).filter(([name]) => !standard.includes(name)))
}
const givers = { API_KEY: byKey, EXTERNAL: byIssuer, USER: byUser }

/** Refused as a credential, and told to be none to the key of the organization. */
async function expectRefused(token: string, reason?: string): Promise<void> {
  const answer = await server.send(PROJECTS, { token })
  expect(answer.status).toBe(401)
  expectError(answer, 'UNAUTHENTICATED', reason)
  expect(await stateTold(server, key, token)).toEqual({ active: false })
}

test.each(Object.entries(givers))('a good token of kind %s is accepted, as these tests make it', async (_, said) => {
  expect((await server.send(PROJECTS, { token: signed(said()) })).errors).toEqual([])
})

test('these tests say what the server says', async () => {
  const ofKey = claimsOf(await givenKeyToken(server, key))
  const ofIssuer = claimsOf(tokenIn(await exchange(server, issuer.token({ organization: ada.organizationId }))))
  for (const [own, said] of [
    [ofKey, byKey()],
    [ofIssuer, byIssuer()],
  ] as const) {
    expect(Object.keys(claimsOf(signed(said))).toSorted()).toEqual(Object.keys(own).toSorted())
    expect(own).toMatchObject(said)
  }
})

describe.each(Object.entries(givers))('a token of kind %s', (kind, said) => {
  test.each(['kind', 'sub', 'client_id', 'organization', 'scope'])('without %s is refused', async (name) => {
    const { [name]: _left, ...others } = said()
    await expectRefused(signed(others), 'INVALID')
  })

  test.each<[string, unknown]>([
    ...[null, '', 'OPERATOR', 'user', 'constructor', '__proto__', 7, ['USER'], { kind: 'USER' }].map(
      (value): [string, unknown] => ['kind', value],
    ),
    ['sub', ''],
    ['sub', null],
    ['sub', 7],
    ['client_id', ''],
    ['client_id', null],
    ['organization', ''],
    ['organization', 'acme'],
    ['organization', 7],
    ['scope', null],
    ['scope', ['read:*']],
    ['scope', 'read:*  read:*'],
  ])('with %s = %j is refused', async (name, value) => {
    await expectRefused(signed({ ...said(), [name]: value }), 'INVALID')
  })

  test('that says to be of another kind is refused', async () => {
    for (const other of Object.keys(givers).filter((one) => one !== kind)) {
      await expectRefused(signed({ ...said(), kind: other }), 'INVALID')
    }
  })

  test('with another signature, or none, is refused', async () => {
    const thief = givenTokens(givenKeys({ signingKeyPem: ecPem() }), { issuer: server.url, audience: 'tenantry' })
    const [header, payload] = partsOf(signed(said()))
    await expectRefused(thief.issue(said() as never).token, 'INVALID')
    const own = createPrivateKey(ecPem())
    await expectRefused(tokenOf(jsonOf(header), jsonOf(payload), own), 'INVALID')
    await expectRefused(`${header}.${payload}.AAAA`, 'INVALID')
  })
})

test.each<[string, () => Said, string]>([
  ['another subject than its client', () => ({ sub: randomUUID() }), 'INVALID'],
  ['another client than its subject', () => ({ client_id: randomUUID() }), 'INVALID'],
  ['the public client', () => ({ client_id: 'tenantry' }), 'INVALID'],
  ['an id in capitals', () => ({ sub: key.id.toUpperCase(), client_id: key.id.toUpperCase() }), 'INVALID'],
  ['no organization', () => ({ organization: null }), 'INVALID'],
  ["another tenant's organization", () => ({ organization: bob.organizationId }), 'REVOKED'],
  ['an organization that there is none of', () => ({ organization: randomUUID() }), 'REVOKED'],
  ['a key that there is none of', () => ({ ...bothOf(randomUUID()) }), 'REVOKED'],
  ["a user's id for a key", () => ({ ...bothOf(ada.userId) }), 'REVOKED'],
  ['what a user would have', () => ({ ...byUser(), ...bothOf(ada.userId), kind: 'API_KEY' }), 'REVOKED'],
])('the token of a key with %s is refused', async (_, changes, reason) => {
  await expectRefused(signed({ ...byKey(), ...changes() }), reason)
})

function bothOf(id: string): Said {
  return { sub: id, client_id: id }
}

test("the role and the operator's mark of a user are nothing in the token of a key", async () => {
  const { kind: _kind, sub: _sub, client_id: _client, scope: _scope, ...ofUser } = byUser()
  const token = signed({ ...ofUser, operator: true, ...byKey() })
  const answer = await server.send('{ principal { kind role scopes } platform { users { totalCount } } }', { token })
  expect(answer.data).toEqual({ principal: { kind: 'API_KEY', role: null, scopes: ['read:*'] }, platform: null })
  expectError(answer, 'FORBIDDEN', 'WRONG_KIND')
})

test('the token of a key grants no more than the key may, whatever it says', async () => {
  const token = signed({ ...byKey(), scope: '*:*' })
  expect((await server.send('{ principal { scopes } }', { token })).data.principal.scopes).toEqual(['read:*'])
  expect(await stateTold(server, key, token)).toMatchObject({ active: true, scope: 'read:*' })
})

test.each<[string, () => Said, string]>([
  ['an issuer that nobody trusts', () => ({ subject_issuer: 'https://nobody.example.com' }), 'REVOKED'],
  ['the server itself as its issuer', () => ({ subject_issuer: server.url }), 'REVOKED'],
  ['an issuer in another spelling', () => ({ subject_issuer: `${issuer.issuer}/` }), 'REVOKED'],
  ['an issuer that no column holds', () => ({ subject_issuer: 'https://a.example/\0' }), 'REVOKED'],
  ['an issuer of too many characters', () => ({ subject_issuer: `https://${'a'.repeat(1_000)}` }), 'REVOKED'],
  ['no issuer', () => ({ subject_issuer: undefined }), 'INVALID'],
  ['an issuer that is empty', () => ({ subject_issuer: '' }), 'INVALID'],
  ['a registration that there is none of', () => ({ registration: randomUUID() }), 'REVOKED'],
  ['a registration that is no id', () => ({ registration: 'x' }), 'INVALID'],
  ['no word of its registration', () => ({ registration: undefined }), 'INVALID'],
  ['no organization', () => ({ organization: null }), 'INVALID'],
  ['a name that is no text', () => ({ given_name: 7 }), 'INVALID'],
])('an exchanged token with %s is refused', async (_, changes, reason) => {
  await expectRefused(signed({ ...byIssuer(), ...changes() }), reason)
})

test('the exchanged token of an issuer that an organization has registered is for that registration alone', async () => {
  const { id } = await givenRegistration(server, ada, provider.issuer)
  const good = { ...byIssuer(), subject_issuer: provider.issuer, registration: id }
  expect((await server.send(PROJECTS, { token: signed(good) })).errors).toEqual([])
  await expectRefused(signed({ ...good, registration: null }), 'REVOKED')
  await expectRefused(signed({ ...good, registration: randomUUID() }), 'REVOKED')
  await expectRefused(signed({ ...good, organization: bob.organizationId }), 'REVOKED')
  await expectRefused(signed({ ...good, subject_issuer: issuer.issuer }), 'REVOKED')
})

test.each<[string, () => Said]>([
  ['that its issuer may not speak for', () => ({ subject_issuer: only.issuer, organization: bob.organizationId })],
  ['that there is none of', () => ({ organization: randomUUID() })],
])('an exchanged token for an organization %s does nothing', async (_, changes) => {
  const token = signed({ ...byIssuer(), ...changes() })
  const answer = await server.send(PROJECTS, { token })
  expect(answer.status).toBe(403)
  expectError(answer, 'FORBIDDEN', 'UNKNOWN_ORGANIZATION')
  expect(await stateTold(server, key, token)).toEqual({ active: false })
})

test('an exchanged token grants no more than its issuer may, whatever it says', async () => {
  const token = signed({ ...byIssuer(), scope: '*:*' })
  const { data } = await server.send('{ principal { kind role scopes } }', { token })
  expect(data.principal).toEqual({ kind: 'EXTERNAL', role: null, scopes: ['read:*', 'write:projects'] })
})
