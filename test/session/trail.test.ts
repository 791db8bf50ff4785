import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, PASSWORD, startServer, type TestServer } from '../harness.ts'
import {
  asOwner,
  auditEvents,
  changePassword,
  givenClock,
  givenLogin,
  login,
  logout,
  pairOf,
  refresh,
  switchOrganization,
} from './given-sessions.ts'

const { clock, advance } = givenClock()
let server: TestServer
beforeAll(async () => {
  server = await startServer({ clock })
})
afterAll(() => server.close())

test('what becomes of a login is recorded from its beginning to its end, in the order in which it happened', async () => {
  const person = await givenPerson(server, 'Trail')
  const { email, organizationId } = person
  await login(server, { email, password: 'another password 7' })
  const session = await givenLogin(server, person)
  const renewed = pairOf(await refresh(server, session.refreshToken))
  const switched = pairOf(await switchOrganization(server, renewed.token, organizationId))
  await changePassword(server, switched.token, 'another password 7', 'a new password 8')
  const changed = pairOf(await changePassword(server, switched.token, PASSWORD, 'a new password 8'))
  const last = pairOf(await refresh(server, changed.refreshToken))
  advance(60)
  await refresh(server, changed.refreshToken)
  const again = await givenLogin(server, { ...person, password: 'a new password 8' })
  await logout(server, again.token)
  await server.send('mutation { createProject(input: { name: "x" }) { project { id } } }', { token: last.token })
  const events = (await auditEvents(server)).filter(({ actor_id }) => actor_id === person.userId)
  expect(events.map(({ action, succeeded }) => `${action}${succeeded ? '' : ' (failed)'}`)).toEqual([
    'organization.created',
    'user.registered',
    'user.login_failed (failed)',
    'user.logged_in',
    'session.refreshed',
    'session.organization_switched',
    'user.password_change_failed (failed)',
    'user.password_changed',
    'session.refreshed',
    'session.reuse_detected (failed)',
    'user.logged_in',
    'user.logged_out',
  ])
  expect(events.every(({ actor_kind }) => actor_kind === 'USER')).toBe(true)
})

test('an ADMIN reads what happened in the organization, and not what happened elsewhere', async () => {
  const person = await givenPerson(server)
  const stranger = await givenPerson(server)
  await refresh(server, stranger.refreshToken)
  await refresh(server, person.refreshToken)
  const answer = await server.send('{ auditEvents(first: 10) { nodes { action actorId targetId } } }', {
    token: person.token,
  })
  expect(answer.errors).toEqual([])
  const events = answer.data.auditEvents.nodes as { action: string; actorId: string }[]
  expect(events.map(({ action }) => action)).toContain('session.refreshed')
  expect(new Set(events.map(({ actorId }) => actorId))).toEqual(new Set([person.userId]))
})

test('nothing secret and nothing that a client typed is in a log line, and each is one JSON object', async () => {
  const person = await givenPerson(server)
  const typed = 'typed-by-a-client'
  const headers = { 'user-agent': `${typed}\u00ff`, 'x-request-id': 'x"}\\n{"level":60', 'x-tenant-id': typed }
  const hostile = { email: `${typed}@example.test`, password: `${typed} 1\n{"level":60}` }
  await login(server, hostile, { headers })
  await login(server, { ...hostile, organizationId: typed }, { headers })
  await login(server, { email: person.email, password: hostile.password })
  await login(server, { email: `not an address ${typed}`, password: PASSWORD })
  await refresh(server, `${typed}, as a token`)
  await refresh(server, `${person.refreshToken.slice(0, -1)}x`)
  await server.send('{ me { id } }', { token: `${typed}.x.y` })
  await server.send('{ me { id } }', { token: person.token, headers: { 'x-tenant-id': typed } })
  await changePassword(server, person.token, PASSWORD, `${typed} 2`)
  await server.send(`{ ${typed.replaceAll('-', '_')}: me { nonsense } }`)
  const { token, refreshToken } = pairOf(await login(server, { email: person.email, password: `${typed} 2` }))
  await refresh(server, refreshToken)
  expect(server.logged.length).toBeGreaterThan(10)
  const lines = server.logged.join('')
  for (const secret of [
    typed,
    typed.replaceAll('-', '_'),
    PASSWORD,
    person.email,
    token,
    refreshToken,
    person.token.split('.')[1] ?? '',
  ]) {
    expect(lines).not.toContain(secret)
  }
  for (const line of server.logged) {
    expect(line.endsWith('}\n')).toBe(true)
    expect(line.slice(0, -1)).not.toContain('\n')
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), time: expect.any(String) })
  }
  const tables = await asOwner<{ text: string }>(server, 'select details::text as text from audit_events')
  expect(JSON.stringify(tables)).not.toContain(typed)
})

test('what deserves a second look is a warning, the rest is not', async () => {
  const levels = new Map<string, Set<number>>()
  for (const line of server.logged) {
    const { msg, level, event } = JSON.parse(line) as { msg: string; level: number; event?: unknown }
    if (event) levels.set(msg, (levels.get(msg) ?? new Set()).add(level))
  }
  for (const action of ['user.login_failed', 'session.reuse_detected', 'user.password_change_failed']) {
    expect([action, [...(levels.get(action) ?? [])]]).toEqual([action, [40]])
  }
  for (const action of [
    'user.logged_in',
    'user.logged_out',
    'session.refreshed',
    'user.password_changed',
    'user.registered',
  ]) {
    expect([action, [...(levels.get(action) ?? [])]]).toEqual([action, [30]])
  }
})
