import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenApiKey, PROJECTS } from '../api-key/given-api-key.ts'
import { expectError, givenPerson, type Person, type TestServer } from '../harness.ts'
import {
  DISABLE,
  givenProvider,
  givenRegistration,
  onThisMachine,
  type Provider,
} from '../issuer/given-registration.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { givenIssuer, givenKeyPair, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { claimsOf, givenClock, stateOf } from '../session/given-sessions.ts'
import {
  ACCESS_TOKEN_TYPE,
  exchange,
  expectOAuthError,
  expectTooMany,
  givenKeyToken,
  TOKEN,
  tokenIn,
} from './given-grants.ts'
import { basic, givenOAuthServer, sendForm } from './given-oauth.ts'

const WHO = '{ principal { kind subject role scopes organization { id } claims { issuer firstName email } } }'
const { clock, advance } = givenClock()
let server: TestServer
let issuer: Issuer
let stranger: Issuer
let provider: Provider
let ada: Person
let bob: Person

beforeAll(async () => {
  ;[issuer, stranger, provider] = [await givenIssuer(), await givenIssuer(), await givenProvider()]
  server = await givenOAuthServer({ ...trusting([issuer]), ...onThisMachine }, { clock })
  ;[ada, bob] = [await givenPerson(server, 'Acme'), await givenPerson(server, 'Rivals')]
})
afterAll(async () => {
  await server.close()
  await Promise.all([issuer, stranger, provider].map((one) => one.close()))
})

/** A token of the trusted issuer for Acme, but for what is given. */
const tokenFor = (claims: Record<string, unknown> = {}) => issuer.token({ organization: ada.organizationId, ...claims })
const secondsNow = () => Math.floor(clock().getTime() / 1_000)
const scoped = (scope: string) => ({ scope: `api:read ${scope}` })
const sendAs = (token: string, headers: Record<string, string> = {}, query = PROJECTS) =>
  server.send(query, { token, headers })

test('for the token of a trusted issuer there is one of the server, for the same user', async () => {
  const subject = tokenFor({ given_name: 'Ada', email: 'ada@elsewhere.test' })
  const answer = await exchange(server, subject)
  const token = tokenIn(answer)
  expect(answer.body).toEqual({
    access_token: token,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: 'Bearer',
    expires_in: expect.any(Number),
    scope: 'read:*',
  })
  expect(claimsOf(token)).toMatchObject({
    ...{ iss: server.url, aud: 'tenantry', kind: 'EXTERNAL', sub: `${issuer.issuer}#somebody`, client_id: 'tenantry' },
    ...{ organization: ada.organizationId, scope: 'read:*', subject_issuer: issuer.issuer, registration: null },
  })
  const own = await sendAs(token, {}, WHO)
  expect(own.errors).toEqual([])
  expect(own.data.principal).toMatchObject({ kind: 'EXTERNAL', organization: { id: ada.organizationId } })
  expect(own.data).toEqual((await sendAs(subject, {}, WHO)).data)
})

test.each<[asked: string | undefined, granted: string]>([
  [undefined, 'read:* write:projects'],
  ['read:projects', 'read:projects'],
  ['write:projects read:*', 'write:projects read:*'],
])('a user who is granted read:* and write:projects and asks for %j gets %j', async (asked, granted) => {
  const answer = await exchange(server, tokenFor(scoped('api:write')), asked === undefined ? {} : { scope: asked })
  const { data } = await sendAs(tokenIn(answer), {}, WHO)
  expect([answer.body.scope, data.principal.scopes.toSorted()]).toEqual([granted, granted.split(' ').toSorted()])
})

test.each(['write:projects', '*:*', 'read:* write:projects', 'api:read', 'openid', 'read:nothing-that-there-is'])(
  'a user who is granted read:* and asks for %j gets nothing',
  async (scope) => {
    expectOAuthError(await exchange(server, tokenFor(), { scope }), 'invalid_scope')
  },
)

test('a user who is granted nothing gets a token that grants nothing', async () => {
  const answer = await exchange(server, tokenFor({ scope: 'profile' }))
  expect(answer.body).not.toHaveProperty('scope')
  expectError(await sendAs(tokenIn(answer)), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expectOAuthError(await exchange(server, tokenFor({ scope: 'profile' }), { scope: 'read:projects' }), 'invalid_scope')
})

test('the token is valid no longer than the one that it was given for', async () => {
  const exp = secondsNow() + 120
  const subject = tokenFor({ iat: exp - 600, exp })
  const answer = await exchange(server, subject)
  expect(claimsOf(tokenIn(answer)).exp).toBe(exp)
  expect(answer.body.expires_in).toBeLessThanOrEqual(120)
  advance(119)
  expect(await stateOf(server, tokenIn(answer))).toBe('ok')
  // Clocks may differ by a minute.
  advance(62)
  expect([await stateOf(server, tokenIn(answer)), await stateOf(server, subject)]).toEqual(['EXPIRED', 'EXPIRED'])
})

test('the token is valid no longer than others of the server', async () => {
  const now = secondsNow()
  const answer = await exchange(server, tokenFor({ iat: now, exp: now + 80_000 }))
  expect(answer.body.expires_in).toBe(1_800)
})

test.each<[string, () => string]>([
  ['another signature', () => tokenFor().replace(/[^.]+$/, 'AAAA')],
  [
    'a key that nobody has published',
    () => issuer.token({ organization: ada.organizationId }, {}, givenKeyPair('first')),
  ],
  ['an end that has passed', () => tokenFor({ iat: 1, exp: 2 })],
  ['an end that passed seconds ago', () => tokenFor({ iat: secondsNow() - 600, exp: secondsNow() - 15 })],
  ['another audience', () => tokenFor({ aud: 'another' })],
  ['an issuer that nobody trusts', () => stranger.token({ organization: ada.organizationId })],
  ['no organization', () => tokenFor({ organization: undefined })],
  ['no text that could be one', () => 'x'],
  ['more text than is read', () => `${'a'.repeat(9_000)}.b.c`],
  ["a user's token of the server itself", () => ada.token],
  ["a user's refresh token", () => ada.refreshToken],
])('a subject_token with %s is refused', async (_, given) => {
  expectOAuthError(await exchange(server, given()), 'invalid_request')
})

test.each<[string, () => Promise<string>]>([
  ['that was itself exchanged', async () => tokenIn(await exchange(server, tokenFor()))],
  ['of an API key', async () => givenKeyToken(server, await givenApiKey(server, ada))],
])("a token of the server's own %s is none to exchange", async (_, given) => {
  expectOAuthError(await exchange(server, await given()), 'invalid_request')
})

test('an organization that is unknown, and one that no issuer may speak for, are answered alike', async () => {
  const unknown = await exchange(server, tokenFor({ organization: randomUUID() }))
  expectOAuthError(unknown, 'invalid_request')
  expect((await exchange(server, tokenFor({ organization: 'acme' }))).body).toEqual(unknown.body)
})

test.each<[string, Record<string, string>, string]>([
  ['another audience', { audience: 'another' }, 'invalid_target'],
  ['a resource', { resource: 'https://api.example.com' }, 'invalid_target'],
  ['a resource and its own audience', { audience: 'tenantry', resource: 'https://a.example' }, 'invalid_target'],
  ['an actor', { actor_token: 'x', actor_token_type: ACCESS_TOKEN_TYPE }, 'invalid_request'],
  ['no type of its token', { subject_token_type: '' }, 'invalid_request'],
  ['no token', { subject_token: '' }, 'invalid_request'],
  ['a refresh token to exchange', { subject_token_type: typeOf('refresh_token') }, 'invalid_request'],
  ['an ID token to exchange', { subject_token_type: typeOf('id_token') }, 'invalid_request'],
  ['SAML to exchange', { subject_token_type: typeOf('saml2') }, 'invalid_request'],
  ['a refresh token wanted', { requested_token_type: typeOf('refresh_token') }, 'invalid_request'],
  ['an ID token wanted', { requested_token_type: typeOf('id_token') }, 'invalid_request'],
])('a request with %s is refused', async (_, parameters, error) => {
  expectOAuthError(await exchange(server, tokenFor(), parameters), error)
})

function typeOf(name: string): string {
  return `urn:ietf:params:oauth:token-type:${name}`
}

test('the longest that an issuer can say of its user still makes a token that is read', async () => {
  const long = '\u{1f3c3}'.repeat(255)
  const told = { given_name: long, family_name: long, preferred_username: long, email: long }
  const token = tokenIn(await exchange(server, tokenFor({ ...told, sub: '\u4e00'.repeat(255) })))
  const answer = await sendAs(token, {}, WHO)
  expect(answer.errors).toEqual([])
  expect(answer.data.principal.subject).toBe(`${issuer.issuer}#${'\u4e00'.repeat(255)}`)
})

test('what the request would have had anyway may be said in it', async () => {
  const said = { subject_token_type: ACCESS_TOKEN_TYPE, requested_token_type: typeOf('jwt'), audience: 'tenantry' }
  tokenIn(await exchange(server, tokenFor(), { ...said, client_id: 'tenantry' }))
})

test('an API key exchanges no tokens', async () => {
  const authorization = basic(await givenApiKey(server, ada))
  expectOAuthError(await exchange(server, tokenFor(), {}, { authorization }), 'unauthorized_client')
})

test('the organization is the one of the claim, and X-Tenant-Id may name no other', async () => {
  const at = (tenant: string) => exchange(server, tokenFor(), {}, { 'x-tenant-id': tenant })
  tokenIn(await at(ada.organizationId.toUpperCase()))
  expectOAuthError(await at(bob.organizationId), 'invalid_request')
  const token = tokenIn(await exchange(server, tokenFor({ organization: bob.organizationId })))
  expect((await sendAs(token, {}, WHO)).data.principal.organization).toEqual({ id: bob.organizationId })
  expect((await sendAs(token, { 'x-tenant-id': bob.organizationId.toUpperCase() })).errors).toEqual([])
  const elsewhere = await sendAs(token, { 'x-tenant-id': ada.organizationId })
  expect(elsewhere.status).toBe(403)
  expectError(elsewhere, 'FORBIDDEN', 'NOT_THE_TOKENS_ORGANIZATION')
})

test('a suspended organization gets no tokens, and those that it has do nothing until it is back', async () => {
  const [owner, operator] = [await givenPerson(server), await givenOperator(server)]
  const subject = tokenFor({ organization: owner.organizationId })
  const token = tokenIn(await exchange(server, subject))
  await operate(server, operator, 'suspend', owner.organizationId)
  const refused = await exchange(server, subject)
  expectOAuthError(refused, 'invalid_request')
  const answer = await sendAs(token)
  expect(answer.status).toBe(403)
  expectError(answer, 'FORBIDDEN', 'ORGANIZATION_SUSPENDED')
  await operate(server, operator, 'reinstate', owner.organizationId)
  expect((await sendAs(token)).errors).toEqual([])
})

test('the token of an issuer that an organization has registered is exchanged where X-Tenant-Id names that one', async () => {
  const { id } = await givenRegistration(server, ada, provider.issuer)
  const at = (tenant: Record<string, string>) => exchange(server, provider.token(), {}, tenant)
  const token = tokenIn(await at({ 'x-tenant-id': ada.organizationId }))
  expect(claimsOf(token)).toMatchObject({ organization: ada.organizationId, registration: id })
  expectOAuthError(await at({}), 'invalid_request')
  expectOAuthError(await at({ 'x-tenant-id': bob.organizationId }), 'invalid_request')
  expect((await sendAs(token)).errors).toEqual([])
  expectError(await sendAs(token, { 'x-tenant-id': bob.organizationId }), 'FORBIDDEN', 'NOT_THE_TOKENS_ORGANIZATION')
})

test('the token ends when its issuer is disabled, and stays ended when one of the name is registered again', async () => {
  const person = await givenPerson(server)
  const headers = { 'x-tenant-id': person.organizationId }
  const { id } = await givenRegistration(server, person, provider.issuer)
  const token = tokenIn(await exchange(server, provider.token(), {}, headers))
  expect(await stateOf(server, token)).toBe('ok')
  const disabled = await server.send(DISABLE, { token: person.token, variables: { input: { id } } })
  expect(disabled.errors).toEqual([])
  expect(await stateOf(server, token)).toBe('REVOKED')
  await givenRegistration(server, person, provider.issuer)
  expect(await stateOf(server, token)).toBe('REVOKED')
  expect(await stateOf(server, tokenIn(await exchange(server, provider.token(), {}, headers)))).toBe('ok')
})

test('an organization that demands a tenant API key demands it beside the exchanged token', async () => {
  const owner = await givenPerson(server)
  const key = await givenApiKey(server, owner, { scopes: ['read:projects'] })
  const foreign = await givenApiKey(server, bob)
  const token = tokenIn(await exchange(server, tokenFor({ organization: owner.organizationId })))
  const demand = `mutation ($input: UpdateOrganizationInput!) {
    updateOrganization(input: $input) { organization { requiresTenantApiKey } }
  }`
  const variables = { input: { requiresTenantApiKey: true } }
  expect((await server.send(demand, { token: owner.token, variables })).errors).toEqual([])
  const tenant = { 'x-tenant-id': owner.organizationId }
  expectError(await sendAs(token), 'FORBIDDEN', 'TENANT_API_KEY_REQUIRED')
  expectError(await sendAs(token, tenant), 'FORBIDDEN', 'TENANT_API_KEY_REQUIRED')
  const withForeign = await sendAs(token, { ...tenant, 'x-tenant-api-key': foreign.secret })
  expectError(withForeign, 'FORBIDDEN', 'NOT_THE_TENANTS_KEY')
  const answer = await sendAs(token, { ...tenant, 'x-tenant-api-key': key.secret }, WHO)
  expect(answer.data.principal.scopes).toEqual(['read:projects'])
})

test('a user of an issuer has one limit, with whichever token and for exchanging them', async () => {
  const limited = await givenOAuthServer({ ...trusting([issuer]), RATE_LIMIT_USER_PER_MINUTE: '4' })
  try {
    const { organizationId } = await givenPerson(limited)
    const subject = issuer.token({ organization: organizationId })
    const token = tokenIn(await exchange(limited, subject))
    for (const one of [token, subject, token]) {
      const answer = await limited.send(PROJECTS, { token: one })
      expect([answer.status, answer.headers.get('ratelimit-policy')]).toEqual([200, '"user";q=4;w=60'])
    }
    for (const one of [token, subject]) expectError(await limited.send(PROJECTS, { token: one }), 'RATE_LIMITED')
    expectTooMany(await exchange(limited, subject))
    tokenIn(await exchange(limited, issuer.token({ organization: organizationId, sub: 'another' })))
  } finally {
    await limited.close()
  }
})

test('who presents what is not accepted is counted under the address, which keeps out nobody who is', async () => {
  const limited = await givenOAuthServer({ ...trusting([issuer]), RATE_LIMIT_ANONYMOUS_PER_MINUTE: '6' })
  try {
    const { organizationId } = await givenPerson(limited)
    const good = issuer.token({ organization: organizationId })
    const bad = [stranger.token(), good.replace(/[^.]+$/, 'AAAA'), 'x']
    tokenIn(await exchange(limited, good))
    for (let turn = 0; turn < 5; turn += 1) {
      expectOAuthError(await exchange(limited, bad[turn % bad.length]!), 'invalid_request')
    }
    for (const one of bad) expectTooMany(await exchange(limited, one))
    tokenIn(await exchange(limited, good))
  } finally {
    await limited.close()
  }
})

test('nothing is exchanged while signatures are not looked at', async () => {
  const careless = await givenOAuthServer({ ...trusting([issuer]), JWT_SKIP_VALIDATION: 'true' })
  try {
    const { organizationId } = await givenPerson(careless)
    const forged = issuer.token({ organization: organizationId }, {}, givenKeyPair('first'))
    expect((await careless.send(PROJECTS, { token: forged })).errors).toEqual([])
    for (const token of [forged, issuer.token({ organization: organizationId })]) {
      expectOAuthError(await exchange(careless, token), 'invalid_request')
    }
  } finally {
    await careless.close()
  }
})

test('no token is in the log', async () => {
  const subject = tokenFor()
  const token = tokenIn(await exchange(server, subject))
  await exchange(server, subject.replace(/[^.]+$/, 'AAAA'))
  await sendForm(server, `${TOKEN}?subject_token=${subject}`, { grant_type: subject })
  const lines = server.logged.join('')
  for (const text of [subject, token]) expect(lines).not.toContain(text.split('.')[1])
})
