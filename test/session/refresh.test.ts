import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newRefreshToken } from '../../src/principal/refresh-token.ts'
import {
  expectError,
  givenMember,
  givenPerson,
  PASSWORD,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { rounds } from '../rounds.ts'
import {
  asOwner,
  auditEvents,
  changePassword,
  claimsOf,
  givenClock,
  givenLogin,
  logout,
  pairOf,
  refresh,
  sessionIdOf,
  stateOf,
  switchOrganization,
  together,
} from './given-sessions.ts'

const { clock, advance } = givenClock()
let server: TestServer
beforeAll(async () => {
  server = await startServer({ clock })
})
afterAll(() => server.close())

const body = ({ status, data, errors }: Answer) => JSON.stringify({ status, data, errors })
const MINUTE = 60
const DAY = 86_400
const sessionOf = async (token: string) =>
  (await asOwner(server, 'select * from sessions where id = ?', [sessionIdOf(token)]))[0]

test('a refresh token gives a new pair for the same session, and the old access token lives on', async () => {
  const person = await givenPerson(server)
  const answer = await refresh(server, person.refreshToken)
  expect(answer.errors).toEqual([])
  const { token, refreshToken } = pairOf(answer)
  expect(refreshToken).not.toBe(person.refreshToken)
  expect(answer.data.refresh).toMatchObject({ expiresIn: 1_800, organization: { id: person.organizationId } })
  expect(sessionIdOf(token)).toBe(sessionIdOf(person.token))
  expect(await stateOf(server, token)).toBe('ok')
  expect(await stateOf(server, person.token)).toBe('ok')
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

test('of ten refreshes with one token at once, each gets the same successor, and it works', async () => {
  const person = await givenPerson(server)
  let { refreshToken } = person
  for (let round = 0; round < rounds(50); round += 1) {
    const answers = await together(10, () => refresh(server, refreshToken))
    expect(answers.flatMap(({ errors }) => errors)).toEqual([])
    const successors = new Set(answers.map((answer) => pairOf(answer).refreshToken))
    expect(successors.size).toBe(1)
    expect(successors).not.toContain(refreshToken)
    refreshToken = [...successors][0] ?? ''
  }
  expect(await stateOf(server, person.token)).toBe('ok')
}, 180_000)

test('the grace window ends to the millisecond, and reuse after it ends the session at once', async () => {
  const person = await givenPerson(server)
  const next = pairOf(await refresh(server, person.refreshToken))
  advance(9.999)
  expect(pairOf(await refresh(server, person.refreshToken)).refreshToken).toBe(next.refreshToken)
  advance(0.001)
  const replay = await refresh(server, person.refreshToken)
  expectError(replay, 'UNAUTHENTICATED', 'REUSED')
  expect(replay.status).toBe(401)
  expect(replay.data).toBeNull()
  expect(await stateOf(server, next.token)).toBe('REVOKED')
  expect(await stateOf(server, person.token)).toBe('REVOKED')
  expectError(await refresh(server, next.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
})

test('reuse is recorded once, though the request failed, and is a warning in the log', async () => {
  const person = await givenPerson(server)
  await refresh(server, person.refreshToken)
  advance(MINUTE)
  const lines = server.logged.length
  for (let replay = 0; replay < 3; replay += 1) await refresh(server, person.refreshToken)
  const events = await auditEvents(server, 'session.reuse_detected')
  expect(events.filter(({ actor_id }) => actor_id === person.userId)).toMatchObject([
    { succeeded: false, target_id: sessionIdOf(person.token), organization_id: person.organizationId },
  ])
  const warnings = server.logged.slice(lines).filter((line) => line.includes('session.reuse_detected'))
  expect(warnings.map((line) => (JSON.parse(line) as { level: number }).level)).toEqual([40])
})

test('reuse of any earlier token ends the session, also within the window of a later one', async () => {
  const person = await givenPerson(server)
  const second = pairOf(await refresh(server, person.refreshToken))
  const third = pairOf(await refresh(server, second.refreshToken))
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REUSED')
  expect(await stateOf(server, third.token)).toBe('REVOKED')
})

test('reuse ends no other session of the user', async () => {
  const person = await givenPerson(server)
  const other = await givenLogin(server, person)
  await refresh(server, person.refreshToken)
  advance(MINUTE)
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REUSED')
  expect(await stateOf(server, other.token)).toBe('ok')
  expect((await refresh(server, other.refreshToken)).errors).toEqual([])
})

test('ten replays at once end the session once', async () => {
  const person = await givenPerson(server)
  await refresh(server, person.refreshToken)
  advance(MINUTE)
  for (const answer of await together(10, () => refresh(server, person.refreshToken))) {
    expectError(answer, 'UNAUTHENTICATED')
    expect(['REUSED', 'REVOKED']).toContain(answer.errors[0]?.extensions.reason)
  }
  expect(await stateOf(server, person.token)).toBe('REVOKED')
})

test('who knows a session id, and no token of it, can neither end it nor learn of it', async () => {
  const person = await givenPerson(server)
  const sessionId = sessionIdOf(person.token)
  const forge = (id: string) => newRefreshToken(id, Buffer.alloc(32)).token
  const known = await refresh(server, forge(sessionId))
  const unknown = await refresh(server, forge('01930000-0000-7000-8000-000000000000'))
  expectError(known, 'UNAUTHENTICATED', 'INVALID')
  expect(body(known)).toBe(body(unknown))
  const spliced = Buffer.from(person.refreshToken.slice(3), 'base64url')
  for (const position of [20, 40, 50, 63]) {
    const bytes = Buffer.from(spliced)
    bytes[position] = (bytes[position] ?? 0) ^ 1
    expectError(await refresh(server, `rt_${bytes.toString('base64url')}`), 'UNAUTHENTICATED')
  }
  expect(await stateOf(server, person.token)).toBe('ok')
  await logout(server, person.token)
  expect(body(await refresh(server, forge(sessionId)))).toBe(body(unknown))
})

test('the token of one session is none of another', async () => {
  const person = await givenPerson(server)
  const other = await givenLogin(server, person)
  const bytes = Buffer.from(person.refreshToken.slice(3), 'base64url')
  Buffer.from(other.refreshToken.slice(3), 'base64url').copy(bytes, 0, 0, 16)
  expectError(await refresh(server, `rt_${bytes.toString('base64url')}`), 'UNAUTHENTICATED', 'INVALID')
  expect(await stateOf(server, other.token)).toBe('ok')
})

test.each([
  ['', 'MALFORMED'],
  ['x', 'MALFORMED'],
  ['rt_', 'MALFORMED'],
  [`rt_${'A'.repeat(86)}`, 'INVALID'],
  [`rt_${'!'.repeat(86)}`, 'MALFORMED'],
  ['a'.repeat(90_000), 'MALFORMED'],
  ["' or 1=1 --", 'MALFORMED'],
])('the refresh token %.20j is refused', async (refreshToken, reason) => {
  expectError(await refresh(server, refreshToken), 'UNAUTHENTICATED', reason)
})

test('an access token is no refresh token, and the other way round', async () => {
  const { token, refreshToken } = await givenPerson(server)
  expectError(await refresh(server, token), 'UNAUTHENTICATED', 'MALFORMED')
  expect(await stateOf(server, refreshToken)).toBe('MALFORMED')
})

test('a session that is not used for a week ends; each refresh is a use', async () => {
  const person = await givenPerson(server)
  advance(7 * DAY - 1)
  const { refreshToken } = pairOf(await refresh(server, person.refreshToken))
  advance(7 * DAY - 1)
  const last = pairOf(await refresh(server, refreshToken))
  advance(7 * DAY)
  expectError(await refresh(server, last.refreshToken), 'UNAUTHENTICATED', 'EXPIRED')
  expectError(await refresh(server, refreshToken), 'UNAUTHENTICATED', 'EXPIRED')
})

test('a session ends after thirty days, however often it is renewed', async () => {
  const person = await givenPerson(server)
  const limit = (await sessionOf(person.token))?.expires_at
  let { refreshToken } = person
  for (let day = 5; day <= 25; day += 5) {
    advance(5 * DAY)
    refreshToken = pairOf(await refresh(server, refreshToken)).refreshToken
    expect((await sessionOf(person.token))?.expires_at).toEqual(limit)
  }
  advance(5 * DAY - 1)
  const last = pairOf(await refresh(server, refreshToken))
  expect((await sessionOf(person.token))?.idle_expires_at).toEqual(limit)
  advance(1)
  expectError(await refresh(server, last.refreshToken), 'UNAUTHENTICATED', 'EXPIRED')
})

test('a refresh reads role, membership and user anew', async () => {
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'DEVELOPER')
  const change = 'mutation ($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { membership { id } } }'
  const input = { membershipId: member.membershipId, role: 'VIEWER' }
  expect((await server.send(change, { token: admin.token, variables: { input } })).errors).toEqual([])
  const changed = pairOf(await refresh(server, member.refreshToken))
  expect(claimsOf(changed.token)).toMatchObject({ role: 'VIEWER', scope: 'read:*', membershipVersion: 2 })
  const remove = 'mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { membership { id } } }'
  const variables = { input: { membershipId: member.membershipId } }
  expect((await server.send(remove, { token: admin.token, variables })).errors).toEqual([])
  const removed = await refresh(server, changed.refreshToken)
  expect(removed.data.refresh.organization).toBeNull()
  expect(claimsOf(pairOf(removed).token)).toMatchObject({ organization: null, membership: null, role: null, scope: '' })
})

test('the session of a deactivated user gives no tokens, and is not used up by asking', async () => {
  const person = await givenPerson(server)
  const set = (value: string) =>
    asOwner(server, `update users set deactivated_at = ${value} where id = ?`, [person.userId])
  await set('now()')
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  advance(MINUTE)
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  await set('null')
  expect((await refresh(server, person.refreshToken)).errors).toEqual([])
})

test('logout wins over refreshes that race with it', async () => {
  for (let round = 0; round < rounds(20); round += 1) {
    const person = await givenPerson(server, null)
    const [ended, ...answers] = await Promise.all([
      logout(server, person.token),
      ...Array.from({ length: 5 }, () => refresh(server, person.refreshToken)),
    ])
    expect(ended?.errors).toEqual([])
    for (const answer of answers) {
      if (answer.errors.length > 0) continue
      const late = pairOf(answer)
      expect(await stateOf(server, late.token)).toBe('REVOKED')
      expectError(await refresh(server, late.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
    }
  }
})

const replacing: [name: string, operation: (person: Person) => Promise<Answer>][] = [
  ['switchOrganization', ({ token, organizationId }) => switchOrganization(server, token, organizationId)],
  ['changePassword', ({ token }) => changePassword(server, token, PASSWORD, 'a new password 8')],
]

test.each(replacing)('%s ends the refresh token before it, whose use afterwards is reuse', async (_, operation) => {
  const person = await givenPerson(server)
  const next = pairOf(await operation(person))
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'INVALID')
  const later = pairOf(await refresh(server, next.refreshToken))
  advance(MINUTE)
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REUSED')
  expect(await stateOf(server, later.token)).toBe('REVOKED')
})

test('a token that was used up by a clock that ran ahead is reuse once the clock is set back', async () => {
  const person = await givenPerson(server)
  advance(3_600)
  const { refreshToken } = pairOf(await refresh(server, person.refreshToken))
  advance(-3_600)
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REUSED')
  expectError(await refresh(server, refreshToken), 'UNAUTHENTICATED', 'REVOKED')
})

test('the clock of an instance that is a little behind ends no session', async () => {
  const person = await givenPerson(server)
  const first = pairOf(await refresh(server, person.refreshToken))
  advance(-100)
  expect(pairOf(await refresh(server, person.refreshToken)).refreshToken).toBe(first.refreshToken)
  advance(100)
})

test('without a grace window the second use ends the session', async () => {
  const own = await startServer({ settings: { REFRESH_GRACE_SECONDS: '0' } })
  try {
    for (let round = 0; round < rounds(50); round += 1) {
      const person = await givenPerson(own, null)
      const answers = await together(10, () => refresh(own, person.refreshToken))
      expect(answers.filter(({ errors }) => errors.length === 0).length).toBe(1)
      expect(await stateOf(own, person.token)).toBe('REVOKED')
    }
  } finally {
    await own.close()
  }
}, 180_000)

test('without a grace window there is none on an instance whose clock is behind either', async () => {
  const time = givenClock()
  const own = await startServer({ clock: time.clock, settings: { REFRESH_GRACE_SECONDS: '0' } })
  try {
    const person = await givenPerson(own, null)
    expect((await refresh(own, person.refreshToken)).errors).toEqual([])
    time.advance(-5)
    expectError(await refresh(own, person.refreshToken), 'UNAUTHENTICATED', 'REUSED')
  } finally {
    await own.close()
  }
})

test('one login is one row, however often it is renewed, and no row holds a token', async () => {
  const person = await givenPerson(server)
  let tokens = pairOf(await refresh(server, person.refreshToken))
  for (let round = 0; round < 5; round += 1) tokens = pairOf(await refresh(server, tokens.refreshToken))
  const rows = await asOwner(server, 'select * from sessions where user_id = ?', [person.userId])
  expect(rows.length).toBe(1)
  const secret = Buffer.from(tokens.refreshToken.slice(3), 'base64url').subarray(16, 48)
  const text = JSON.stringify(rows)
  for (const spelling of ['hex', 'base64', 'base64url'] as const) expect(text).not.toContain(secret.toString(spelling))
})
