import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newRefreshToken } from '../../src/principal/refresh-token.ts'
import { givenApiKey, PROJECTS, sendWithKey, type GivenKey } from '../api-key/given-api-key.ts'
import { expectError, givenPerson, type Person, type TestServer } from '../harness.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { givenIssuer, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import {
  auditEvents,
  claimsOf,
  givenClock,
  givenLogin,
  logout,
  pairOf,
  refresh,
  sessionIdOf,
  stateOf,
} from '../session/given-sessions.ts'
import {
  exchange,
  expectOAuthError,
  givenKeyToken,
  givenRevoked,
  REVOKE_TOKEN,
  revokeToken,
  tokenIn,
} from './given-grants.ts'
import { givenOAuthServer, sendForm } from './given-oauth.ts'

const { clock, advance } = givenClock()
let server: TestServer
let issuer: Issuer
let admin: Person
let key: GivenKey

beforeAll(async () => {
  issuer = await givenIssuer()
  server = await givenOAuthServer(trusting([issuer]), { clock })
  admin = await givenPerson(server)
  key = await givenApiKey(server, admin)
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})

const eventsOfSession = async (token: string, action: string) =>
  (await auditEvents(server, action)).filter(({ target_id }) => target_id === sessionIdOf(token))
const eventsOfToken = async (token: string) =>
  (await auditEvents(server, 'access_token.revoked')).filter(({ target_id }) => target_id === claimsOf(token).jti)

test('a refresh token ends with its whole session, and no other session does', async () => {
  const person = await givenPerson(server)
  const other = await givenLogin(server, person)
  await givenRevoked(server, person.refreshToken)
  expect(await stateOf(server, person.token)).toBe('REVOKED')
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  expect(await stateOf(server, other.token)).toBe('ok')
  expect((await refresh(server, other.refreshToken)).errors).toEqual([])
})

test('a refresh token that was renewed long ago ends the session that it was of', async () => {
  const person = await givenPerson(server)
  const second = pairOf(await refresh(server, person.refreshToken))
  const third = pairOf(await refresh(server, second.refreshToken))
  advance(60)
  await givenRevoked(server, person.refreshToken)
  for (const { token } of [person, second, third]) expect(await stateOf(server, token)).toBe('REVOKED')
  expectError(await refresh(server, third.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
})

test('the end of a session is recorded once, however often it is asked for', async () => {
  const person = await givenPerson(server)
  for (let time = 1; time <= 3; time += 1) await givenRevoked(server, person.refreshToken)
  expect(await eventsOfSession(person.token, 'session.revoked')).toMatchObject([
    { succeeded: true, actor_kind: 'USER', actor_id: person.userId, organization_id: person.organizationId },
  ])
})

test('who knows the id of a session, and no token of it, ends nothing', async () => {
  const person = await givenPerson(server)
  const made = newRefreshToken(sessionIdOf(person.token), randomBytes(32)).token
  const bytes = Buffer.from(person.refreshToken.slice(3), 'base64url')
  bytes[40] = bytes[40]! ^ 1
  for (const token of [made, `rt_${bytes.toString('base64url')}`, `${person.refreshToken.slice(0, -1)}!`]) {
    await givenRevoked(server, token)
  }
  expect(await stateOf(server, person.token)).toBe('ok')
  expect((await refresh(server, person.refreshToken)).errors).toEqual([])
  expect(await eventsOfSession(person.token, 'session.revoked')).toEqual([])
})

test('an access token ends alone: its session goes on, and so do the tokens beside it', async () => {
  const person = await givenPerson(server)
  const next = pairOf(await refresh(server, person.refreshToken))
  await givenRevoked(server, person.token)
  const answer = await server.send(PROJECTS, { token: person.token })
  expect(answer.status).toBe(401)
  expectError(answer, 'UNAUTHENTICATED', 'REVOKED')
  expect(await stateOf(server, next.token)).toBe('ok')
  const last = pairOf(await refresh(server, next.refreshToken))
  expect(await stateOf(server, last.token)).toBe('ok')
  expect((await logout(server, last.token)).errors).toEqual([])
})

test("a key's token is ended by its key alone, and ends alone", async () => {
  const other = await givenApiKey(server, admin)
  const [token, lasting] = [await givenKeyToken(server, key), await givenKeyToken(server, key)]
  expectOAuthError(await revokeToken(server, token), 'invalid_client')
  expectOAuthError(await revokeToken(server, token, other), 'invalid_grant')
  expect(await stateOf(server, token)).toBe('ok')
  await givenRevoked(server, token, key)
  expect([await stateOf(server, token), await stateOf(server, lasting)]).toEqual(['REVOKED', 'ok'])
  expect((await sendWithKey(server, key.secret)).errors).toEqual([])
})

test("a key ends no tokens of users, its own creator's included", async () => {
  const external = tokenIn(await exchange(server, issuer.token({ organization: admin.organizationId })))
  for (const token of [admin.token, admin.refreshToken, external]) {
    expectOAuthError(await revokeToken(server, token, key), 'invalid_grant')
  }
  for (const token of [admin.token, external]) expect(await stateOf(server, token)).toBe('ok')
  expect((await refresh(server, admin.refreshToken)).errors).toEqual([])
})

test('an exchanged token ends alone, and the one that it was given for is accepted as before', async () => {
  const subject = issuer.token({ organization: admin.organizationId })
  const token = tokenIn(await exchange(server, subject))
  await givenRevoked(server, token)
  expect([await stateOf(server, token), await stateOf(server, subject)]).toEqual(['REVOKED', 'ok'])
  expect(await stateOf(server, tokenIn(await exchange(server, subject)))).toBe('ok')
})

test.each<[string, () => string]>([
  ['a word', () => 'x'],
  ['three parts of nothing', () => 'a.b.c'],
  ['a long text', () => 'x'.repeat(50_000)],
  ['a refresh token of nobody', () => `rt_${'A'.repeat(86)}`],
  ['the secret of a key', () => key.secret],
  ['a token with another signature', () => admin.token.replace(/[^.]+$/, 'A'.repeat(86))],
  ['the token of an issuer', () => issuer.token({ organization: admin.organizationId })],
])('%s has nothing to end, and that is no error', async (_, given) => {
  await givenRevoked(server, given())
  expect(await stateOf(server, admin.token)).toBe('ok')
})

test('a token that has ended already has nothing to end, whoever asks', async () => {
  const [person, token] = [await givenPerson(server), await givenKeyToken(server, key)]
  await givenRevoked(server, person.token)
  await givenRevoked(server, token, key)
  await givenRevoked(server, person.token)
  await givenRevoked(server, token, key)
  expect(await eventsOfToken(person.token)).toHaveLength(1)
  expect(await eventsOfToken(token)).toHaveLength(1)
  const other = await givenLogin(server, person)
  advance(1_800 + 61)
  await givenRevoked(server, other.token)
  expect(await eventsOfToken(other.token)).toEqual([])
  admin = { ...admin, ...(await givenLogin(server, admin)) }
})

test('what is revoked while the organization is suspended does not come back with it', async () => {
  const [person, operator] = [await givenPerson(server), await givenOperator(server)]
  const lasting = await givenLogin(server, person)
  await operate(server, operator, 'suspend', person.organizationId)
  await givenRevoked(server, person.token)
  await operate(server, operator, 'reinstate', person.organizationId)
  expect(await stateOf(server, lasting.token)).toBe('ok')
  expect(await stateOf(server, person.token)).toBe('REVOKED')
})

test('a token stays revoked until it would have ended anyway', async () => {
  const { token } = await givenLogin(server, admin)
  await givenRevoked(server, token)
  advance(1_800 + 59)
  expect(await stateOf(server, token)).toBe('REVOKED')
  advance(1)
  expect(await stateOf(server, token)).toBe('EXPIRED')
  admin = { ...admin, ...(await givenLogin(server, admin)) }
})

test.each<[kind: string, given: () => Promise<{ token: string; actor: string; client: GivenKey | null }>]>([
  ['USER', async () => ({ token: (await givenLogin(server, admin)).token, actor: admin.userId, client: null })],
  ['API_KEY', async () => ({ token: await givenKeyToken(server, key), actor: key.id, client: key })],
  [
    'EXTERNAL',
    async () => {
      const iat = Math.floor(clock().getTime() / 1_000)
      const subject = issuer.token({ organization: admin.organizationId, iat, exp: iat + 600 })
      return { token: tokenIn(await exchange(server, subject)), actor: `${issuer.issuer}#somebody`, client: null }
    },
  ],
])('the end of a token of kind %s is recorded as the act of who had it', async (kind, given) => {
  const { token, actor, client } = await given()
  await givenRevoked(server, token, client)
  expect(await eventsOfToken(token)).toMatchObject([
    { succeeded: true, actor_kind: kind, actor_id: actor, organization_id: admin.organizationId },
  ])
})

test('a request without a token is refused, and a hint of its type is neither needed nor believed', async () => {
  expectOAuthError(await sendForm(server, REVOKE_TOKEN, {}), 'invalid_request')
  for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
    const { token } = await givenLogin(server, admin)
    expect((await sendForm(server, REVOKE_TOKEN, { token, token_type_hint: hint })).status).toBe(200)
    expect(await stateOf(server, token)).toBe('REVOKED')
  }
})

test('a client that does not authenticate ends nothing', async () => {
  const token = await givenKeyToken(server, key)
  const wrong = { id: key.id, secret: `${key.secret.slice(0, -1)}x` }
  expectOAuthError(await revokeToken(server, token, wrong), 'invalid_client')
  expectOAuthError(await revokeToken(server, admin.token, wrong), 'invalid_client')
  expect(await stateOf(server, token)).toBe('ok')
})

test('neither the tokens nor the keys are in the log', () => {
  const lines = server.logged.join('')
  expect(lines).toContain('access_token.revoked')
  for (const text of [admin.token.split('.')[1]!, admin.refreshToken, key.secret]) expect(lines).not.toContain(text)
})
