import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  change,
  CREATE,
  givenApiKey,
  PROJECTS,
  readKey,
  REVOKE,
  ROTATE,
  sendWithKey,
  UPDATE,
  type GivenKey,
} from '../api-key/given-api-key.ts'
import { expectError, givenPerson, givenProject, type Person, type TestServer } from '../harness.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { claimsOf, givenClock, stateOf } from '../session/given-sessions.ts'
import { expectOAuthError, expectTooMany, givenKeyToken, requestKeyToken, tokenIn } from './given-grants.ts'
import { givenOAuthServer, sendForm } from './given-oauth.ts'

const { clock, advance } = givenClock()
let server: TestServer
let admin: Person
let stranger: Person

beforeAll(async () => {
  server = await givenOAuthServer({ ACCESS_TOKEN_TTL_SECONDS: '86400' }, { clock })
  admin = await givenPerson(server)
  stranger = await givenPerson(server, 'Elsewhere')
})
afterAll(() => server.close())

const inSeconds = (seconds: number) => new Date(clock().getTime() + seconds * 1_000).toISOString()
const givenKey = (scopes: string[] = ['read:*'], input: Record<string, unknown> = {}) =>
  givenApiKey(server, admin, { scopes, ...input })
const scopesOf = async (token: string): Promise<string[]> => {
  const answer = await server.send('{ principal { scopes } }', { token })
  expect(answer.errors).toEqual([])
  return answer.data.principal.scopes
}

test('a token of a key is what its answer says, and there is no refresh token with it', async () => {
  const key = await givenKey()
  const answer = await requestKeyToken(server, key)
  expect(answer.status).toBe(200)
  const { access_token: token, ...others } = answer.body
  expect(others).toEqual({ token_type: 'Bearer', expires_in: 86_400, scope: 'read:*' })
  const now = Math.floor(clock().getTime() / 1_000)
  expect(claimsOf(token)).toEqual({
    ...{ iss: server.url, aud: 'tenantry', iat: now, exp: now + 86_400, jti: expect.any(String), kind: 'API_KEY' },
    ...{ sub: key.id, client_id: key.id, organization: admin.organizationId, scope: 'read:*' },
  })
})

test.each<[held: string[], asked: string | undefined, granted: string]>([
  [['read:*', 'write:projects'], undefined, 'read:* write:projects'],
  [['read:*', 'write:projects'], '', 'read:* write:projects'],
  [['read:*', 'write:projects'], 'write:projects read:*', 'write:projects read:*'],
  [['read:*', 'write:projects'], 'read:*', 'read:*'],
  [['read:*'], 'read:projects', 'read:projects'],
  [['*:projects'], 'read:projects write:projects', 'read:projects write:projects'],
  [['*:*'], 'read:*', 'read:*'],
  [['*:*'], '*:projects read:gateways', '*:projects read:gateways'],
  [['read:*'], 'read:projects read:gateways read:projects', 'read:projects read:gateways'],
])('a key with %j that asks for %j is granted %j', async (held, asked, granted) => {
  const answer = await requestKeyToken(server, await givenKey(held), asked)
  const token = tokenIn(answer)
  expect(answer.body.scope).toBe(granted)
  expect(claimsOf(token).scope).toBe(granted)
  expect((await scopesOf(token)).toSorted()).toEqual(granted.split(' ').toSorted())
})

test.each<[held: string, asked: string]>([
  ['read:projects', 'read:*'],
  ['read:projects', '*:projects'],
  ['read:*', '*:*'],
  ['read:*', 'write:projects'],
  ['read:*', 'read:projects write:projects'],
  ['read:*', 'read:nothing-that-there-is'],
  ['*:*', 'drop:projects'],
  ['*:*', 'read'],
  ['*:*', 'read:'],
  ['*:*', 'read:pro*'],
  ['*:*', 'READ:projects'],
  ['*:*', 'read:projects,write:projects'],
  ['*:*', 'read:projects\twrite:projects'],
  ['*:*', 'openid'],
  ['*:*', '"read:projects"'],
  ['*:*', 'read:projекts'],
])('a key with %s that asks for %j is granted nothing', async (held, asked) => {
  expectOAuthError(await requestKeyToken(server, await givenKey([held]), asked), 'invalid_scope')
})

test('a hundred scopes can be asked for, and no more', async () => {
  const key = await givenKey()
  const asked = (count: number) => Array.from({ length: count }, () => 'read:projects').join(' ')
  expect((await requestKeyToken(server, key, asked(100))).body.scope).toBe('read:projects')
  expectOAuthError(await requestKeyToken(server, key, asked(101)), 'invalid_scope')
})

test('a scope that is longer than any token is refused like every other that there is not', async () => {
  expectOAuthError(await requestKeyToken(server, await givenKey(), `read:${'a'.repeat(9_000)}`), 'invalid_scope')
})

test('nobody but a key gets one', async () => {
  expectOAuthError(await requestKeyToken(server, null), 'invalid_client')
  const parameters = { grant_type: 'client_credentials', client_id: 'tenantry' }
  expectOAuthError(await sendForm(server, '/oauth/token', parameters), 'invalid_client')
})

test('who has the token acts as the key, and sees what the key does', async () => {
  const key = await givenKey(['read:projects'])
  await givenProject(server, admin)
  const token = await givenKeyToken(server, key)
  const query = '{ principal { kind subject role scopes organization { id } } projects { totalCount } }'
  const byToken = await server.send(query, { token })
  expect(byToken.errors).toEqual([])
  expect(byToken.data.principal).toEqual({
    ...{ kind: 'API_KEY', subject: key.id, role: null, scopes: ['read:projects'] },
    organization: { id: admin.organizationId },
  })
  expect(byToken.data).toEqual((await sendWithKey(server, key.secret, query)).data)
})

test('X-Tenant-Id may name the organization of the key, and no other', async () => {
  const token = await givenKeyToken(server, await givenKey())
  const named = (tenant: string) => server.send(PROJECTS, { token, headers: { 'x-tenant-id': tenant } })
  expect((await named(admin.organizationId)).errors).toEqual([])
  expect((await named(admin.organizationId.toUpperCase())).errors).toEqual([])
  for (const other of [stranger.organizationId, 'no id']) {
    const answer = await named(other)
    expect(answer.status).toBe(403)
    expectError(answer, 'FORBIDDEN', 'NOT_THE_KEYS_ORGANIZATION')
  }
})

test.each(['x-tenant-api-key', 'x-api-key'])('a key in %s beside the token is ambiguous', async (name) => {
  const key = await givenKey()
  const token = await givenKeyToken(server, key)
  const headers = { 'x-tenant-id': admin.organizationId, [name]: key.secret }
  const answer = await server.send(PROJECTS, { token, headers })
  expect(answer.status).toBe(400)
  expectError(answer, 'BAD_REQUEST', 'AMBIGUOUS')
})

test('the token manages no keys, whatever its scopes', async () => {
  const token = await givenKeyToken(server, await givenKey(['*:*']))
  const input = { name: 'A key', service: 'metabase', scopes: ['read:*'] }
  expectError(await server.send(CREATE, { token, variables: { input } }), 'FORBIDDEN', 'INSUFFICIENT_ROLE')
  expectError(await server.send('mutation { logout { revokedSessions } }', { token }), 'FORBIDDEN', 'WRONG_KIND')
})

test.each<[string, (key: GivenKey) => Promise<unknown>]>([
  ['is revoked', ({ id }) => change(server, admin, REVOKE, { id })],
  ['is deactivated', ({ id }) => change(server, admin, UPDATE, { id, isActive: false })],
  ['is rotated without an overlap', ({ id }) => change(server, admin, ROTATE, { id, overlapSeconds: 0 })],
  ['expires', async () => advance(60)],
])('the token ends at once when its key %s, and others go on', async (_, end) => {
  const [key, other] = [await givenKey(['read:*'], { expiresAt: inSeconds(60) }), await givenKey()]
  const [token, lasting] = [await givenKeyToken(server, key), await givenKeyToken(server, other)]
  expect(await stateOf(server, token)).toBe('ok')
  await end(key)
  const answer = await server.send(PROJECTS, { token })
  expect(answer.status).toBe(401)
  expectError(answer, 'UNAUTHENTICATED', 'REVOKED')
  expect(await stateOf(server, lasting)).toBe('ok')
})

test('a key that is active again has its tokens back', async () => {
  const key = await givenKey()
  const token = await givenKeyToken(server, key)
  await change(server, admin, UPDATE, { id: key.id, isActive: false })
  expect(await stateOf(server, token)).toBe('REVOKED')
  await change(server, admin, UPDATE, { id: key.id, isActive: true })
  expect(await stateOf(server, token)).toBe('ok')
})

test('the token of a key that is rotated lives until the overlap ends', async () => {
  const key = await givenKey()
  const token = await givenKeyToken(server, key)
  const { apiKey, secret } = await change(server, admin, ROTATE, { id: key.id, overlapSeconds: 60 })
  const next = await givenKeyToken(server, { id: apiKey.id, secret })
  advance(59)
  expect(await stateOf(server, token)).toBe('ok')
  advance(1)
  expect([await stateOf(server, token), await stateOf(server, next)]).toEqual(['REVOKED', 'ok'])
})

test('no token is said to live longer than its key', async () => {
  const key = await givenKey(['read:*'], { expiresAt: inSeconds(600) })
  const answer = await requestKeyToken(server, key)
  expect(answer.body.expires_in).toBeLessThanOrEqual(600)
  expect(answer.body.expires_in).toBeGreaterThan(597)
  const { exp } = claimsOf(tokenIn(answer)) as { exp: number }
  expect(exp * 1_000).toBeLessThanOrEqual(clock().getTime() + 600_000)
  advance(599)
  expect(await stateOf(server, tokenIn(answer))).toBe('ok')
  advance(1)
  expect(await stateOf(server, tokenIn(answer))).toBe('REVOKED')
})

test('a key that has less than a second left gets none', async () => {
  // Times in tokens are whole seconds: this one is the second that the key ends in.
  advance(1.1 - (clock().getTime() % 1_000) / 1_000)
  const key = await givenKey(['read:*'], { expiresAt: inSeconds(0.4) })
  expectOAuthError(await requestKeyToken(server, key), 'invalid_client')
})

test('a key with fewer scopes leaves its tokens fewer at once, and one with more leaves them as they are', async () => {
  const key = await givenKey(['read:*', 'write:projects'])
  const token = await givenKeyToken(server, key)
  const update = (scopes: string[]) => change(server, admin, UPDATE, { id: key.id, scopes })
  await update(['read:projects'])
  expect(await scopesOf(token)).toEqual(['read:projects'])
  expectError(await server.send('{ gateways { totalCount } }', { token }), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  await update(['write:gateways'])
  expect(await scopesOf(token)).toEqual([])
  await update(['*:*'])
  expect((await scopesOf(token)).toSorted()).toEqual(['read:*', 'write:projects'])
})

test('the token does nothing for a suspended organization, and is there again after it', async () => {
  const operator = await givenOperator(server)
  const owner = await givenPerson(server)
  const token = await givenKeyToken(server, await givenApiKey(server, owner))
  await operate(server, operator, 'suspend', owner.organizationId)
  const answer = await server.send(PROJECTS, { token })
  expect(answer.status).toBe(403)
  expectError(answer, 'FORBIDDEN', 'ORGANIZATION_SUSPENDED')
  await operate(server, operator, 'reinstate', owner.organizationId)
  expect(await stateOf(server, token)).toBe('ok')
})

test('the token ends with its organization', async () => {
  const owner = await givenPerson(server)
  const token = await givenKeyToken(server, await givenApiKey(server, owner))
  const variables = { input: { confirmSlug: owner.organizationSlug } }
  const deletion = `mutation ($input: DeleteOrganizationInput!) { deleteOrganization(input: $input) { __typename } }`
  expect((await server.send(deletion, { token: owner.token, variables })).errors).toEqual([])
  expect(await stateOf(server, token)).not.toBe('ok')
})

test('a key has one limit, for its secret, its tokens and what it asks of these endpoints', async () => {
  const key = await givenKey(['read:*'], { rateLimitPerMinute: 5 })
  const [one, two] = [await givenKeyToken(server, key), await givenKeyToken(server, key)]
  expect((await sendWithKey(server, key.secret)).status).toBe(200)
  for (const token of [one, two]) {
    const answer = await server.send(PROJECTS, { token })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('ratelimit-policy')).toBe('"api-key";q=5;w=60')
  }
  expectError(await server.send(PROJECTS, { token: one }), 'RATE_LIMITED')
  expectError(await sendWithKey(server, key.secret), 'RATE_LIMITED')
  expectTooMany(await requestKeyToken(server, key))
})

test('both a token that is given and one that is used are a use of the key', async () => {
  const key = await givenKey()
  const usedAt = async () => {
    await server.app.services.apiKeys.flushUses()
    return (await readKey(server, admin, key.id)).lastUsedAt
  }
  expect(await usedAt()).toBeNull()
  const token = await givenKeyToken(server, key)
  expect(await usedAt()).toBe(clock().toISOString())
  advance(60)
  expect((await server.send(PROJECTS, { token })).errors).toEqual([])
  expect(await usedAt()).toBe(clock().toISOString())
})
