import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { change, givenApiKey, PROJECTS, readKey, REVOKE, UPDATE, type GivenKey } from '../api-key/given-api-key.ts'
import { expectError, givenMember, givenPerson, type Person, type TestServer } from '../harness.ts'
import {
  DISABLE,
  givenProvider,
  givenRegistration,
  onThisMachine,
  type Provider,
} from '../issuer/given-registration.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { givenIssuer, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { ecPem, givenKeys, givenTokens } from '../principal/given-tokens.ts'
import { claimsOf, givenClock, givenLogin, logout, refresh, switchOrganization } from '../session/given-sessions.ts'
import {
  exchange,
  expectOAuthError,
  expectTooMany,
  givenKeyToken,
  givenRevoked,
  INTROSPECT,
  introspect,
  stateTold,
  tokenIn,
} from './given-grants.ts'
import { givenOAuthServer, sendForm } from './given-oauth.ts'

const INACTIVE = { active: false }
const { clock, advance } = givenClock()
let server: TestServer
let issuer: Issuer
let provider: Provider
let admin: Person
let key: GivenKey
let stranger: Person

beforeAll(async () => {
  ;[issuer, provider] = [await givenIssuer(), await givenProvider()]
  server = await givenOAuthServer(
    { ACCESS_TOKEN_TTL_SECONDS: '3600', ...trusting([issuer]), ...onThisMachine },
    { clock },
  )
  ;[admin, stranger] = [await givenPerson(server), await givenPerson(server, 'Elsewhere')]
  // With no scope that could help it: what introspects is asked for nothing but to be of the organization.
  key = await givenApiKey(server, admin, { scopes: ['read:gateways'] })
})
afterAll(async () => {
  await server.close()
  await Promise.all([issuer.close(), provider.close()])
})

const told = (token: string, client = key) => stateTold(server, client, token)
const isActive = async (token: string) => ((await told(token)) as { active: boolean }).active
const externalToken = (claims: Record<string, unknown> = {}) =>
  issuer.token({ organization: admin.organizationId, ...claims })
/** What is told of a token is what it says. */
const asClaimed = (token: string) => {
  const { kind, iss, sub, aud, exp, iat, jti, client_id, scope, organization } = claimsOf(token)
  return { active: true, token_type: 'Bearer', kind, iss, sub, aud, exp, iat, jti, client_id, scope, organization }
}

test("a user's token is told of, with the user's name", async () => {
  const { token, email, userId } = await givenMember(server, admin, 'VIEWER')
  expect(await told(token)).toEqual({ ...asClaimed(token), username: email })
  expect(await told(token)).toMatchObject({ sub: userId, client_id: 'tenantry', scope: 'read:*' })
})

test("a key's token is told of, to the key itself and to others of its organization", async () => {
  const other = await givenApiKey(server, admin, { scopes: ['read:*', 'write:projects'] })
  const token = await givenKeyToken(server, other, 'write:projects')
  for (const client of [key, other]) {
    expect(await told(token, client)).toEqual({ ...asClaimed(token), sub: other.id, scope: 'write:projects' })
  }
})

test('an exchanged token is told of, without the name that its issuer has told', async () => {
  const token = tokenIn(await exchange(server, externalToken({ email: admin.email, preferred_username: 'ada' })))
  expect(await told(token)).toEqual(asClaimed(token))
})

test.each([null, { id: 'tenantry', secret: '' }])('nobody but a key is told anything: %j', async (client) => {
  expectOAuthError(await introspect(server, client, admin.token), 'invalid_client')
})

test('a public client that says who it is, and a bearer of a good token, are nobody', async () => {
  const parameters = { token: admin.token, client_id: 'tenantry' }
  expectOAuthError(await sendForm(server, INTROSPECT, parameters), 'invalid_client')
  const headers = { authorization: `Bearer ${admin.token}` }
  expectOAuthError(await sendForm(server, INTROSPECT, { token: admin.token }, { headers }), 'invalid_client')
})

test('a key that has ended is told nothing', async () => {
  const ended = await givenApiKey(server, admin)
  await change(server, admin, REVOKE, { id: ended.id })
  expectOAuthError(await introspect(server, ended, admin.token), 'invalid_client')
})

test('a request without a token is refused, and a hint of its type is not needed', async () => {
  expectOAuthError(await sendForm(server, INTROSPECT, {}, { client: key }), 'invalid_request')
  for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
    const parameters = { token: admin.token, token_type_hint: hint }
    expect((await sendForm(server, INTROSPECT, parameters, { client: key })).body.active).toBe(true)
  }
})

test.each<[string, () => Promise<string>]>([
  ["another organization's user", async () => stranger.token],
  ["another organization's key", async () => givenKeyToken(server, await givenApiKey(server, stranger))],
  [
    "another organization's external user",
    async () => tokenIn(await exchange(server, externalToken({ organization: stranger.organizationId }))),
  ],
  ['a user who is in no organization', async () => (await givenPerson(server, null)).token],
  ['an operator', async () => (await givenOperator(server)).token],
  ['an issuer, as it came', async () => externalToken()],
])('the token of %s is told to be none', async (_, given) => {
  const token = await given()
  expect((await server.send('{ principal { kind } }', { token })).errors).toEqual([])
  expect(await told(token)).toEqual(INACTIVE)
})

test.each<[string, () => Promise<string> | string]>([
  ['a refresh token', () => admin.refreshToken],
  ['the secret of a key', () => key.secret],
  ['the id of a key', () => key.id],
  ['a word', () => 'x'],
  ['a long text', () => 'x'.repeat(50_000)],
  ['three parts of nothing', () => 'a.b.c'],
  ['a token with another signature', () => admin.token.replace(/[^.]+$/, 'A'.repeat(86))],
  ['a token with another subject', () => admin.token.replace(/\.[^.]+\./, `.${stranger.token.split('.')[1]}.`)],
  ['a token that somebody else has signed', () => signedByAnother()],
])('%s is told to be no token', async (_, given) => {
  expect(await told(await given())).toEqual(INACTIVE)
})

/** What the admin's token says, with a key that is not the server's. */
function signedByAnother(): string {
  const { iss, aud, iat, exp, jti, ...subject } = claimsOf(admin.token)
  expect([iss, aud, iat, exp, jti]).not.toContain(undefined)
  const settings = { issuer: server.url, audience: 'tenantry', ttlSeconds: 3_600, clock: () => clock().getTime() }
  return givenTokens(givenKeys({ signingKeyPem: ecPem() }), settings).issue(subject as never).token
}

type Ending = (member: Awaited<ReturnType<typeof givenMember>>) => Promise<unknown>
const mutate = async (name: string, type: string, input: Record<string, unknown>) => {
  const query = `mutation ($input: ${type}!) { ${name}(input: $input) { __typename } }`
  expect((await server.send(query, { token: admin.token, variables: { input } })).errors).toEqual([])
}

test.each<[string, Ending]>([
  ['that is revoked', ({ token }) => givenRevoked(server, token)],
  ['of a session that its refresh token has ended', ({ refreshToken }) => givenRevoked(server, refreshToken)],
  ['of a session that is logged out', ({ token }) => logout(server, token)],
  ['of a member who is removed', ({ membershipId }) => mutate('removeMember', 'RemoveMemberInput', { membershipId })],
  [
    'of a member who is demoted',
    ({ membershipId }) => mutate('changeMemberRole', 'ChangeMemberRoleInput', { membershipId, role: 'VIEWER' }),
  ],
  [
    'of a user who is deactivated',
    async ({ userId }) => operate(server, await givenOperator(server), 'deactivate', userId),
  ],
])('a token %s is told to be none', async (_, end) => {
  const member = await givenMember(server, admin, 'DEVELOPER')
  expect(await isActive(member.token)).toBe(true)
  await end(member)
  expect(await told(member.token)).toEqual(INACTIVE)
})

test('who signs in again after a demotion has a token with what is left', async () => {
  const member = await givenMember(server, admin, 'DEVELOPER')
  await mutate('changeMemberRole', 'ChangeMemberRoleInput', { membershipId: member.membershipId, role: 'VIEWER' })
  const again = (await refresh(server, member.refreshToken)).data.refresh
  expect(await told(again.accessToken)).toMatchObject({ active: true, scope: 'read:*' })
})

test('a token is told of to the organization that it is for, not to others of its user', async () => {
  const member = await givenMember(server, admin, 'VIEWER')
  const query = 'mutation { createOrganization(input: { name: "Own" }) { organization { id } } }'
  const created = await server.send(query, { token: member.token })
  const elsewhere = await switchOrganization(server, member.token, created.data.createOrganization.organization.id)
  expect(await told(elsewhere.data.switchOrganization.accessToken)).toEqual(INACTIVE)
  expect(await isActive(member.token)).toBe(true)
})

test('a token is told to be none when its time is over', async () => {
  const { token } = await givenLogin(server, admin)
  advance(3_600 + 61)
  expect(await told(token)).toEqual(INACTIVE)
  admin = { ...admin, ...(await givenLogin(server, admin)) }
  stranger = { ...stranger, ...(await givenLogin(server, stranger)) }
  expect(await isActive(admin.token)).toBe(true)
})

test("a key's token is told to be what is left of its key", async () => {
  const other = await givenApiKey(server, admin, { scopes: ['read:*', 'write:projects'] })
  const token = await givenKeyToken(server, other)
  await change(server, admin, UPDATE, { id: other.id, scopes: ['read:projects'] })
  expect(await told(token)).toMatchObject({ active: true, scope: 'read:projects' })
  await change(server, admin, UPDATE, { id: other.id, scopes: ['write:gateways'] })
  expect(await told(token)).toMatchObject({ active: true, scope: '' })
  await change(server, admin, UPDATE, { id: other.id, isActive: false })
  expect(await told(token)).toEqual(INACTIVE)
  await change(server, admin, UPDATE, { id: other.id, isActive: true })
  expect(await isActive(token)).toBe(true)
  await change(server, admin, REVOKE, { id: other.id })
  expect(await told(token)).toEqual(INACTIVE)
})

test('an exchanged token is told to be none when its issuer is disabled', async () => {
  const { id } = await givenRegistration(server, admin, provider.issuer)
  const headers = { 'x-tenant-id': admin.organizationId }
  const iat = Math.floor(clock().getTime() / 1_000)
  const token = tokenIn(await exchange(server, provider.token({ iat, exp: iat + 600 }), {}, headers))
  expect(await told(token)).toEqual(asClaimed(token))
  await server.send(DISABLE, { token: admin.token, variables: { input: { id } } })
  expect(await told(token)).toEqual(INACTIVE)
})

test('what is asked counts under the limit of the key, with all else that it does', async () => {
  const limited = await givenApiKey(server, admin, { rateLimitPerMinute: 3 })
  const requests = () => introspect(server, limited, admin.token)
  for (let turn = 0; turn < 2; turn += 1) expect((await requests()).status).toBe(200)
  const answer = await requests()
  expect(answer.headers.get('ratelimit')).toContain('"api-key";r=0;')
  expectTooMany(await requests())
  expectError(await server.send(PROJECTS, { headers: { 'x-api-key': limited.secret } }), 'RATE_LIMITED')
})

test('asking is a use of the key that asks, and none of the key that is asked about', async () => {
  const [asking, asked] = [await givenApiKey(server, admin), await givenApiKey(server, admin)]
  const usedAt = async ({ id }: GivenKey) => {
    await server.app.services.apiKeys.flushUses()
    return (await readKey(server, admin, id)).lastUsedAt
  }
  const token = await givenKeyToken(server, asked)
  const before = await usedAt(asked)
  advance(10)
  expect(await told(token, asking)).toMatchObject({ active: true })
  expect([await usedAt(asking), await usedAt(asked)]).toEqual([clock().toISOString(), before])
})

test('no token that was asked about is in the log', () => {
  for (const token of [admin.token, stranger.token]) expect(server.logged.join('')).not.toContain(token.split('.')[1])
})
