import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, PASSWORD, startServer, type Answer, type TestServer } from '../harness.ts'
import {
  asOwner,
  auditEvents,
  changePassword,
  givenLogin,
  login,
  pairOf,
  refresh,
  sessionIdOf,
  stateOf,
  together,
} from '../session/given-sessions.ts'

const NEXT = 'a new password 8'
let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const codeOf = ({ errors }: Answer) => String(errors[0]?.extensions.code ?? 'ok')

test('a new password ends the other sessions and every access token before it, and the new pair works', async () => {
  const person = await givenPerson(server)
  const other = await givenLogin(server, person)
  const answer = await changePassword(server, person.token, PASSWORD, NEXT)
  expect(answer.errors).toEqual([])
  expect(answer.data.changePassword).toMatchObject({
    user: { id: person.userId },
    organization: { id: person.organizationId },
  })
  const next = pairOf(answer)
  expect(await stateOf(server, person.token)).toBe('REVOKED')
  expect(await stateOf(server, other.token)).toBe('REVOKED')
  expectError(await refresh(server, other.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  expect(await stateOf(server, next.token)).toBe('ok')
  expect(sessionIdOf(next.token)).toBe(sessionIdOf(person.token))
  const renewed = pairOf(await refresh(server, next.refreshToken))
  expect(await stateOf(server, renewed.token)).toBe('ok')
  expectError(
    await login(server, { email: person.email, password: PASSWORD }),
    'UNAUTHENTICATED',
    'INVALID_CREDENTIALS',
  )
  expect((await login(server, { email: person.email, password: NEXT })).errors).toEqual([])
})

test('a wrong current password changes nothing and is recorded', async () => {
  const person = await givenPerson(server)
  const answer = await changePassword(server, person.token, 'another password 7', NEXT)
  expectError(answer, 'UNAUTHENTICATED', 'INVALID_CREDENTIALS')
  expect(await stateOf(server, person.token)).toBe('ok')
  expect((await login(server, { email: person.email, password: PASSWORD })).errors).toEqual([])
  const events = await auditEvents(server, 'user.password_change_failed')
  expect(events.filter(({ actor_id }) => actor_id === person.userId)).toMatchObject([{ succeeded: false }])
})

test('the policy holds, with what is known of the user and the current organization', async () => {
  const person = await givenPerson(server, 'Initech Labs')
  const local = person.email.slice(0, person.email.indexOf('@'))
  for (const password of ['short 1', 'password1', local, 'Initech-Labs-1', 'tenantry-1', '1234567890']) {
    const answer = await changePassword(server, person.token, PASSWORD, password)
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', 'newPassword'])
  }
  expect(await stateOf(server, person.token)).toBe('ok')
})

test('of ten changes at once one wins, and only its password signs in', async () => {
  const person = await givenPerson(server)
  const passwords = Array.from({ length: 10 }, (_, index) => `a new password ${index}`)
  const answers = await together(10, (index) => changePassword(server, person.token, PASSWORD, passwords[index] ?? ''))
  const codes = answers.map(codeOf)
  expect(codes.filter((code) => code === 'ok').length).toBe(1)
  const winner = codes.indexOf('ok')
  expect(await stateOf(server, pairOf(answers[winner]!).token)).toBe('ok')
  for (const [index, password] of passwords.entries()) {
    expect(codeOf(await login(server, { email: person.email, password }))).toBe(
      index === winner ? 'ok' : 'UNAUTHENTICATED',
    )
  }
})

test('a sign-in that races with the change ends with it, or knows the new password', async () => {
  for (let round = 0; round < 10; round += 1) {
    const person = await givenPerson(server, null)
    const [changed, ...logins] = await Promise.all([
      changePassword(server, person.token, PASSWORD, NEXT),
      ...Array.from({ length: 4 }, () => login(server, { email: person.email, password: PASSWORD })),
    ])
    expect(changed?.errors).toEqual([])
    for (const answer of logins) {
      if (answer.errors.length > 0) continue
      const late = pairOf(answer)
      expect(await stateOf(server, late.token)).toBe('REVOKED')
      expectError(await refresh(server, late.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
    }
  }
})

test('nobody changes a password without a session, after it has ended, or after a deactivation', async () => {
  expectError(await changePassword(server, null, PASSWORD, NEXT), 'UNAUTHENTICATED', 'MISSING')
  const ended = await givenPerson(server)
  await asOwner(server, 'update sessions set revoked_at = now() where user_id = ?', [ended.userId])
  expectError(await changePassword(server, ended.token, PASSWORD, NEXT), 'UNAUTHENTICATED', 'REVOKED')
  expect((await login(server, { email: ended.email, password: PASSWORD })).errors).toEqual([])
  const gone = await givenPerson(server)
  await asOwner(server, 'update users set deactivated_at = now() where id = ?', [gone.userId])
  expectError(await changePassword(server, gone.token, PASSWORD, NEXT), 'UNAUTHENTICATED', 'REVOKED')
})

test('the change is recorded, and neither password is', async () => {
  const person = await givenPerson(server)
  await changePassword(server, person.token, PASSWORD, 'recorded nowhere 9')
  const events = await auditEvents(server, 'user.password_changed')
  expect(events.filter(({ actor_id }) => actor_id === person.userId)).toMatchObject([
    { succeeded: true, organization_id: person.organizationId },
  ])
  const everything = JSON.stringify(await asOwner(server, 'select * from audit_events')) + server.logged.join('')
  expect(everything).not.toMatch(/recorded nowhere|correct horse/)
})
