import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenMember, givenPerson, startServer, type Answer, type TestServer } from '../harness.ts'
import {
  asOwner,
  auditEvents,
  givenClock,
  givenLogin,
  logout,
  refresh,
  sessionIdOf,
  stateOf,
  together,
} from './given-sessions.ts'

const { clock, advance } = givenClock()
let server: TestServer
beforeAll(async () => {
  server = await startServer({ clock })
})
afterAll(() => server.close())

const body = ({ status, data, errors }: Answer) => JSON.stringify({ status, data, errors })

function revoke(token: string | null, id: unknown): Promise<Answer> {
  const query = 'mutation ($id: ID!) { revokeSession(input: { id: $id }) { session { id isCurrent } } }'
  return server.send(query, { token, variables: { id } })
}

async function sessionsOf(token: string, headers: Record<string, string> = {}) {
  const query = '{ me { sessions { id isCurrent userAgent ipAddress createdAt lastUsedAt expiresAt } } }'
  const answer = await server.send(query, { token, headers })
  expect(answer.errors).toEqual([])
  return answer.data.me.sessions as { id: string; isCurrent: boolean; userAgent: string; ipAddress: string }[]
}

test('logout ends this session at once, and no other', async () => {
  const person = await givenPerson(server)
  const other = await givenLogin(server, person)
  const answer = await logout(server, person.token)
  expect(answer.errors).toEqual([])
  expect(answer.data.logout).toEqual({ revokedSessions: 1 })
  expect(await stateOf(server, person.token)).toBe('REVOKED')
  expectError(await refresh(server, person.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  expect(await stateOf(server, other.token)).toBe('ok')
  expectError(await logout(server, person.token), 'UNAUTHENTICATED', 'REVOKED')
})

test('logout everywhere ends every session of the user, and nobody else is', async () => {
  const person = await givenPerson(server)
  const stranger = await givenPerson(server)
  const sessions = [person, await givenLogin(server, person), await givenLogin(server, person)]
  expect((await logout(server, person.token, true)).data.logout).toEqual({ revokedSessions: 3 })
  for (const { token, refreshToken } of sessions) {
    expect(await stateOf(server, token)).toBe('REVOKED')
    expectError(await refresh(server, refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  }
  expect(await stateOf(server, stranger.token)).toBe('ok')
  expect(await stateOf(server, (await givenLogin(server, person)).token)).toBe('ok')
})

test('logout ends every access token of the session, the ones before a refresh too', async () => {
  const person = await givenPerson(server)
  const next = (await refresh(server, person.refreshToken)).data.refresh
  await logout(server, next.accessToken)
  expect(await stateOf(server, person.token)).toBe('REVOKED')
  expect(await stateOf(server, next.accessToken)).toBe('REVOKED')
})

test.each([false, true])(
  'an access token outlives no logout, though its session has expired (everywhere: %j)',
  async (everywhere) => {
    const person = await givenPerson(server)
    advance(7 * 86_400 - 10)
    const { accessToken, refreshToken } = (await refresh(server, person.refreshToken)).data.refresh
    await asOwner(server, 'update sessions set idle_expires_at = ? where id = ?', [
      new Date(clock().getTime() + 5_000),
      sessionIdOf(person.token),
    ])
    advance(20)
    expectError(await refresh(server, refreshToken), 'UNAUTHENTICATED', 'EXPIRED')
    expect(await stateOf(server, accessToken)).toBe('ok')
    expect((await logout(server, accessToken, everywhere)).errors).toEqual([])
    expect(await stateOf(server, accessToken)).toBe('REVOKED')
  },
)

test('ten logouts at once end the session once each way', async () => {
  const person = await givenPerson(server)
  const answers = await together(10, () => logout(server, person.token, true))
  expect(answers.some(({ errors }) => errors.length === 0)).toBe(true)
  for (const { errors } of answers) expect(errors.map(({ extensions }) => extensions.reason)).not.toContain(undefined)
  expect(await stateOf(server, person.token)).toBe('REVOKED')
})

test('logout and revokeSession are for signed-in users alone', async () => {
  expectError(await logout(server, null), 'UNAUTHENTICATED', 'MISSING')
  expectError(await revoke(null, '01930000-0000-7000-8000-000000000000'), 'UNAUTHENTICATED', 'MISSING')
})

test('a user sees the own live sessions, newest first, and which of them is current', async () => {
  const person = await givenPerson(server)
  const second = await givenLogin(server, person)
  const third = await givenLogin(server, person)
  await logout(server, second.token)
  const sessions = await sessionsOf(person.token)
  expect(sessions.map(({ id, isCurrent }) => [id, isCurrent])).toEqual([
    [sessionIdOf(third.token), false],
    [sessionIdOf(person.token), true],
  ])
  expect(sessions[0]).toMatchObject({ ipAddress: '127.0.0.1', userAgent: expect.any(String) })
  advance(7 * 86_400)
  const later = await givenLogin(server, person)
  expect((await sessionsOf(later.token)).map(({ id }) => id)).toEqual([sessionIdOf(later.token)])
})

test('a user ends one of the own sessions, the current one too', async () => {
  const person = await givenPerson(server)
  const other = await givenLogin(server, person)
  const answer = await revoke(person.token, sessionIdOf(other.token).toUpperCase())
  expect(answer.errors).toEqual([])
  expect(answer.data.revokeSession.session).toEqual({ id: sessionIdOf(other.token), isCurrent: false })
  expect(await stateOf(server, other.token)).toBe('REVOKED')
  expectError(await refresh(server, other.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  expect(await stateOf(server, person.token)).toBe('ok')
  expect((await revoke(person.token, sessionIdOf(person.token))).data.revokeSession.session.isCurrent).toBe(true)
  expect(await stateOf(server, person.token)).toBe('REVOKED')
})

test("another's session, one that has ended, an unknown and a malformed id are answered alike", async () => {
  const person = await givenPerson(server)
  const other = await givenPerson(server)
  const ended = await givenLogin(server, person)
  await logout(server, ended.token)
  const ids = [sessionIdOf(other.token), sessionIdOf(ended.token), '01930000-0000-7000-8000-000000000000', 'x', '', '%']
  const answers = await Promise.all(ids.map((id) => revoke(person.token, id)))
  for (const answer of answers) {
    expectError(answer, 'NOT_FOUND')
    expect(body(answer)).toBe(body(answers[0]!))
  }
  expect(await stateOf(server, other.token)).toBe('ok')
})

test("nobody sees another user's sessions or memberships, not even an ADMIN", async () => {
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'VIEWER')
  const query = `{ organization { members(first: 5) { nodes { user { id sessions { id } memberships { id } } } } } }`
  const answer = await server.send(query, { token: admin.token })
  expect(answer.errors).toEqual([])
  const users = answer.data.organization.members.nodes.map(({ user }: { user: unknown }) => user)
  expect(users).toContainEqual({ id: member.userId, sessions: [], memberships: [] })
  const own = users.find(({ id }: { id: string }) => id === admin.userId)
  expect(own.sessions.length).toBe(1)
  expect(own.memberships.length).toBe(1)
})

test('logout and revokeSession are recorded', async () => {
  const person = await givenPerson(server)
  const other = await givenLogin(server, person)
  await revoke(person.token, sessionIdOf(other.token))
  await logout(server, person.token)
  const events = (await auditEvents(server, 'session.revoked', 'user.logged_out')).filter(
    ({ actor_id }) => actor_id === person.userId,
  )
  expect(events).toMatchObject([
    { action: 'session.revoked', target_id: sessionIdOf(other.token), succeeded: true, actor_kind: 'USER' },
    { action: 'user.logged_out', organization_id: person.organizationId, succeeded: true },
  ])
})
