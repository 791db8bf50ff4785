import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { givenApiKey, type GivenKey } from '../api-key/given-api-key.ts'
import { expectError, givenMember, givenPerson, PASSWORD, type Person, type TestServer } from '../harness.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import {
  auditEvents,
  claimsOf,
  givenClock,
  givenLogin,
  login,
  logout,
  pairOf,
  refresh,
  sessionIdOf,
  stateOf,
  together,
} from '../session/given-sessions.ts'
import { expectOAuthError, expectTooMany, refreshTokens, TOKEN, tokenIn } from './given-grants.ts'
import { givenOAuthServer, sendForm, type Credentials, type OAuthAnswer } from './given-oauth.ts'

const WRONG = 'another password 7'
const { clock, advance } = givenClock()
let server: TestServer
let key: GivenKey

beforeAll(async () => {
  server = await givenOAuthServer({ OAUTH_PASSWORD_GRANT: 'true' }, { clock })
  key = await givenApiKey(server, await givenPerson(server))
})
afterAll(() => server.close())

const signIn = (
  username: string,
  password: string = PASSWORD,
  { at = server, client = null }: { at?: TestServer; client?: Credentials | null } = {},
) => sendForm(at, TOKEN, { grant_type: 'password', username, password }, { client })
const refreshTokenIn = (answer: OAuthAnswer): string => {
  tokenIn(answer)
  return answer.body.refresh_token
}
/** What stays of the claims of two tokens of one session. */
const lasting = (token: string) => ({ ...claimsOf(token), jti: null, iat: null, exp: null })

/** A server with limits that this machine's address alone cannot live with. */
async function givenLimited(settings: Record<string, string>): Promise<{ limited: TestServer; person: Person }> {
  const limited = await givenOAuthServer({ OAUTH_PASSWORD_GRANT: 'true', ...settings }, { clock })
  return { limited, person: await givenPerson(limited) }
}

test('a password is no grant unless the setting is on', async () => {
  const off = await givenOAuthServer()
  try {
    const { email } = await givenPerson(off)
    const answers = [await signIn(email, PASSWORD, { at: off }), await signIn(email, WRONG, { at: off })]
    for (const answer of answers) expectOAuthError(answer, 'unsupported_grant_type')
    expect(answers[0]?.body).toEqual(answers[1]?.body)
    expect(await auditEvents(off, 'user.logged_in', 'user.login_failed')).toEqual([])
  } finally {
    await off.close()
  }
})

test('a password gives what login gives', async () => {
  const person = await givenPerson(server)
  const answer = await signIn(person.email)
  const token = tokenIn(answer)
  expect(answer.body).toEqual({
    access_token: token,
    token_type: 'Bearer',
    expires_in: 1_800,
    refresh_token: expect.stringMatching(/^rt_/),
    scope: '*:*',
  })
  const own = await givenLogin(server, person)
  expect({ ...lasting(token), sid: null }).toEqual({ ...lasting(own.token), sid: null })
  expect(sessionIdOf(token)).not.toBe(sessionIdOf(own.token))
  expect(await stateOf(server, token)).toBe('ok')
})

test('the scope is that of the role', async () => {
  const viewer = await givenMember(server, await givenPerson(server), 'VIEWER')
  expect((await signIn(viewer.email)).body.scope).toBe('read:*')
  const nowhere = await givenPerson(server, null)
  expect((await signIn(nowhere.email)).body).not.toHaveProperty('scope')
})

test('the address is compared as login compares it', async () => {
  const { email } = await givenPerson(server)
  tokenIn(await signIn(email.toUpperCase()))
})

test("a user name that is too long for any is nobody's, and is not normalized", async () => {
  // A run of combining marks costs normalization the square of its length.
  const marks = `a${'\u0301'.repeat(5_000)}${'\u0323'.repeat(5_000)}`
  const normalize = jest.spyOn(String.prototype, 'normalize')
  try {
    expectOAuthError(await signIn(marks), 'invalid_grant')
    expect(Math.max(...normalize.mock.contexts.map((text) => String(text).length))).toBeLessThan(4_097)
  } finally {
    normalize.mockRestore()
  }
})

test('wrong passwords, unknown users and deactivated ones are answered alike', async () => {
  const person = await givenPerson(server)
  const gone = await givenPerson(server)
  expect((await operate(server, await givenOperator(server), 'deactivate', gone.userId)).errors).toEqual([])
  const answers = [
    await signIn(person.email, WRONG),
    await signIn(person.email, 'x'.repeat(5_000)),
    await signIn('nobody@example.test'),
    await signIn('no address'),
    await signIn('x'.repeat(5_000)),
    await signIn("' or 1=1 --"),
    await signIn(gone.email),
    await signIn(gone.email, WRONG),
  ]
  for (const answer of answers) {
    expectOAuthError(answer, 'invalid_grant')
    expect(answer.body).toEqual(answers[0]?.body)
  }
})

test.each([
  ['no password', { grant_type: 'password', username: 'a@example.test' }],
  ['no username', { grant_type: 'password', password: PASSWORD }],
  ['an empty password', { grant_type: 'password', username: 'a@example.test', password: '' }],
  ['no refresh token', { grant_type: 'refresh_token' }],
])('a request with %s is refused', async (_, parameters) => {
  expectOAuthError(await sendForm(server, TOKEN, parameters), 'invalid_request')
})

test('an API key neither signs anybody in nor renews a session, and uses up no token by trying', async () => {
  const person = await givenPerson(server)
  expectOAuthError(await signIn(person.email, PASSWORD, { client: key }), 'unauthorized_client')
  expectOAuthError(await refreshTokens(server, person.refreshToken, key), 'unauthorized_client')
  advance(60)
  tokenIn(await refreshTokens(server, person.refreshToken))
})

test('failures are counted as those of login are, and with them', async () => {
  const { limited, person } = await givenLimited({ SIGN_IN_FREE_FAILURES: '3' })
  try {
    expectOAuthError(await signIn(person.email, WRONG, { at: limited }), 'invalid_grant')
    expectError(await login(limited, { email: person.email, password: WRONG }), 'UNAUTHENTICATED')
    expectOAuthError(await signIn(person.email, WRONG, { at: limited }), 'invalid_grant')
    const refused = await signIn(person.email, PASSWORD, { at: limited })
    expectTooMany(refused)
    expect(refused.headers.get('retry-after')).toBe('1')
    expectError(await login(limited, person), 'RATE_LIMITED')
    advance(1)
    tokenIn(await signIn(person.email, PASSWORD, { at: limited }))
  } finally {
    await limited.close()
  }
})

test.each([
  ['account', { RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE: '3' }],
  ['address', { RATE_LIMIT_SIGN_IN_PER_ADDRESS_PER_MINUTE: '3' }],
])('attempts are counted per %s, whichever door they take', async (_, settings) => {
  const { limited, person } = await givenLimited(settings)
  try {
    for (let turn = 0; turn < 2; turn += 1) tokenIn(await signIn(person.email, PASSWORD, { at: limited }))
    expect((await login(limited, person)).errors).toEqual([])
    expectTooMany(await signIn(person.email, PASSWORD, { at: limited }))
    expectError(await login(limited, person), 'RATE_LIMITED')
  } finally {
    await limited.close()
  }
})

test("a refresh gives the pair that GraphQL's would", async () => {
  const person = await givenPerson(server)
  const answer = await refreshTokens(server, person.refreshToken)
  const token = tokenIn(answer)
  const other = pairOf(await refresh(server, person.refreshToken))
  expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 1_800, scope: '*:*' })
  expect(answer.body.refresh_token).toBe(other.refreshToken)
  expect(lasting(token)).toEqual(lasting(other.token))
  expect(sessionIdOf(token)).toBe(sessionIdOf(person.token))
})

test('one session can be renewed at both doors in turn', async () => {
  const person = await givenPerson(server)
  let refreshToken = refreshTokenIn(await signIn(person.email))
  const sessions = new Set<string>()
  for (let turn = 0; turn < 3; turn += 1) {
    const byGraphql = pairOf(await refresh(server, refreshToken))
    const byOAuth = await refreshTokens(server, byGraphql.refreshToken)
    refreshToken = refreshTokenIn(byOAuth)
    for (const token of [byGraphql.token, tokenIn(byOAuth)]) sessions.add(sessionIdOf(token))
    advance(60)
  }
  expect(sessions.size).toBe(1)
})

test('ten refreshes with one token at once give one successor', async () => {
  let { refreshToken } = await givenPerson(server)
  for (let round = 0; round < 10; round += 1) {
    const answers = await together(10, () => refreshTokens(server, refreshToken))
    const successors = new Set(answers.map(refreshTokenIn))
    expect(successors.size).toBe(1)
    expect(successors).not.toContain(refreshToken)
    refreshToken = [...successors][0] ?? ''
  }
})

test('a token that is used again after the grace window ends the session', async () => {
  const person = await givenPerson(server)
  const next = await refreshTokens(server, person.refreshToken)
  advance(9.999)
  expect(refreshTokenIn(await refreshTokens(server, person.refreshToken))).toBe(next.body.refresh_token)
  advance(0.001)
  expectOAuthError(await refreshTokens(server, person.refreshToken), 'invalid_grant')
  expect(await stateOf(server, tokenIn(next))).toBe('REVOKED')
  expectOAuthError(await refreshTokens(server, next.body.refresh_token), 'invalid_grant')
})

test.each<[string, () => Promise<string>]>([
  ['nothing like one', async () => 'x'],
  ['a made-up one', async () => `rt_${'A'.repeat(86)}`],
  ['an access token', async () => (await givenPerson(server)).token],
  ['the secret of a key', async () => key.secret],
  [
    'one of a session that was logged out',
    async () => {
      const { token, refreshToken } = await givenPerson(server)
      await logout(server, token)
      return refreshToken
    },
  ],
  [
    'one that was not used for a week',
    async () => {
      const { refreshToken } = await givenPerson(server)
      advance(7 * 86_400)
      return refreshToken
    },
  ],
])('a refresh token that is %s is refused', async (_, given) => {
  expectOAuthError(await refreshTokens(server, await given()), 'invalid_grant')
})

test('who is deactivated renews nothing', async () => {
  const [person, operator] = [await givenPerson(server), await givenOperator(server)]
  expect((await operate(server, operator, 'deactivate', person.userId)).errors).toEqual([])
  expectOAuthError(await refreshTokens(server, person.refreshToken), 'invalid_grant')
})

test('what scope asks for widens nothing: the role decides, and the answer says so', async () => {
  const viewer = await givenMember(server, await givenPerson(server), 'VIEWER')
  const parameters = { grant_type: 'refresh_token', refresh_token: viewer.refreshToken, scope: '*:*' }
  const answer = await sendForm(server, TOKEN, parameters)
  expect([answer.body.scope, claimsOf(tokenIn(answer)).scope]).toEqual(['read:*', 'read:*'])
})

test('what happens here is in the audit trail as what happens at the other door', async () => {
  const person = await givenPerson(server)
  await signIn(person.email, WRONG)
  const first = await signIn(person.email)
  await refreshTokens(server, first.body.refresh_token)
  advance(60)
  await refreshTokens(server, first.body.refresh_token)
  const events = (await auditEvents(server)).filter(({ actor_id }) => actor_id === person.userId)
  const session = { target_id: sessionIdOf(tokenIn(first)), organization_id: person.organizationId }
  expect(events.slice(-4)).toMatchObject([
    { action: 'user.login_failed', succeeded: false },
    { action: 'user.logged_in', succeeded: true, ...session },
    { action: 'session.refreshed', succeeded: true, ...session },
    { action: 'session.reuse_detected', succeeded: false, ...session },
  ])
  expect(events.every(({ actor_kind }) => actor_kind === 'USER')).toBe(true)
})

test('neither passwords nor tokens are in the log', async () => {
  const person = await givenPerson(server)
  const answer = await signIn(person.email)
  await signIn(person.email, WRONG)
  await refreshTokens(server, answer.body.refresh_token)
  const lines = server.logged.join('')
  for (const secret of [PASSWORD, WRONG, person.email, answer.body.refresh_token, tokenIn(answer).split('.')[1]]) {
    expect(lines).not.toContain(secret)
  }
})
