import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, PASSWORD, POSTGRES_URL, startServer, type TestServer } from '../harness.ts'
import { inTransaction } from '../../src/database/tenancy.ts'
import { User } from '../../src/modules/user/user.entity.ts'
import { givenPlace, operatorCommand, operatorCommandAtTerminal, type Place } from './given-command.ts'
import { signIn } from './given-operator.ts'

let place: Place

beforeAll(async () => {
  place = await givenPlace()
})
afterAll(() => place.drop())

/** Serves the place while something is done. */
async function whileServing<T>(work: (server: TestServer) => Promise<T>): Promise<T> {
  const { settings } = place
  const server = await startServer({ settings, databaseUrl: POSTGRES_URL && settings.DATABASE_URL })
  return work(server).finally(() => server.close())
}

test('a fresh database has no account', async () => {
  await whileServing(async (server) => {
    const opening = { door: 'operator', organizationId: null, readOnly: true } as const
    expect(await inTransaction(server.app.services.database, opening, (em) => em.count(User, {}))).toBe(0)
    expectError(await signIn(server, 'root@example.test'), 'UNAUTHENTICATED', 'INVALID_CREDENTIALS')
  })
})

test('the first operator is made with the password from standard input, and signs in', async () => {
  const args = ['create', '--email', 'Root@Example.test', '--first-name', 'Ruth', '--last-name', 'Root']
  const ended = await operatorCommand(place, args, `${PASSWORD}\n`)
  expect(ended).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^Created the operator root@example\.test \([-\w]+\)\n$/),
    stderr: '',
  })
  await whileServing(async (server) => {
    const { accessToken } = (await signIn(server, 'root@example.test')).data.login
    const answer = await server.send(
      `{ me { email firstName lastName isOperator memberships { id } }
         platform { auditEvents(filter: { action: "user.operator_granted" }) { nodes { actorId targetType succeeded } } } }`,
      { token: accessToken },
    )
    expect(answer.errors).toEqual([])
    expect(answer.data).toEqual({
      me: { email: 'root@example.test', firstName: 'Ruth', lastName: 'Root', isOperator: true, memberships: [] },
      platform: { auditEvents: { nodes: [{ actorId: null, targetType: 'User', succeeded: true }] } },
    })
  })
})

test('at a terminal the password is asked for twice, and is never on the screen', async () => {
  const ended = await operatorCommandAtTerminal(
    place,
    ['create', '--email', 'tty@example.test'],
    [
      ['Password:', `${PASSWORD}x\b\r`.replace('\b', '\x7f')],
      ['again:', `${PASSWORD}\r`],
    ],
  )
  expect(ended.code).toBe(0)
  expect(ended.stdout).toContain('Created the operator tty@example.test')
  expect(ended.stdout + ended.stderr).not.toContain('horse')
  await whileServing(async (server) => expect((await signIn(server, 'tty@example.test')).errors).toEqual([]))
})

test('two passwords that differ, and Ctrl-C, make nobody', async () => {
  const args = ['create', '--email', 'nobody@example.test']
  const differing = await operatorCommandAtTerminal(place, args, [
    ['Password:', `${PASSWORD}\r`],
    ['again:', 'another horse 8\r'],
  ])
  expect(differing.code).toBe(1)
  expect(differing.stdout).toContain('The two passwords are not the same')
  const interrupted = await operatorCommandAtTerminal(place, args, [['Password:', 'half\x03']])
  expect(interrupted.code).toBe(130)
  expect(interrupted.stdout).toContain('Nothing was changed')
  await whileServing(async (server) =>
    expectError(await signIn(server, 'nobody@example.test'), 'UNAUTHENTICATED', 'INVALID_CREDENTIALS'),
  )
})

test('the password policy applies, and the refused password is not repeated', async () => {
  for (const [password, reason] of [
    ['short1', 'at least 8 characters'],
    ['password1', 'most common'],
    ['policy-example', 'letter and one digit'],
  ] as const) {
    const ended = await operatorCommand(place, ['create', '--email', 'policy@example.test'], password)
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(reason) })
    expect(ended.stderr).not.toContain(password)
  }
})

test('standard input that is not one line of text is no password', async () => {
  const create = (input: string) => operatorCommand(place, ['create', '--email', 'in@example.test'], input)
  expect(await create('')).toMatchObject({ code: 1, stderr: 'No password was given on standard input\n' })
  expect(await create(`${PASSWORD}\n${PASSWORD}\n`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('one line'),
  })
  expect(await create('x'.repeat(20_000))).toMatchObject({ code: 1, stderr: expect.stringContaining('too long') })
})

test('a password as an argument is refused, and so is every other call that is not understood', async () => {
  for (const args of [
    ['create', '--email', 'a@example.test', '--password', 'hush hush 7'],
    ['create', '--email', 'a@example.test', 'hush hush 7'],
    ['create', '--email', 'hush hush 7'],
    ['create'],
    ['delete', '--email', 'a@example.test'],
    ['promote', '--email', 'a@example.test', '--first-name', 'A'],
    [],
  ]) {
    const ended = await operatorCommand(place, args, PASSWORD)
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage:') })
    expect(ended.stderr).not.toContain('hush')
  }
  expect(await operatorCommand(place, ['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage:') })
})

test('an address that is taken is refused for create, and one that is not for promote', async () => {
  const taken = await operatorCommand(place, ['create', '--email', 'root@example.test'], PASSWORD)
  expect(taken).toMatchObject({ code: 1, stdout: '', stderr: 'There is already an account with this e-mail address\n' })
  const unknown = await operatorCommand(place, ['promote', '--email', 'unknown@example.test'])
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: 'User with this e-mail address not found\n' })
})

test('a registered user is promoted, once', async () => {
  const person = await whileServing((server) => givenPerson(server))
  const promote = () => operatorCommand(place, ['promote', '--email', person.email])
  expect(await promote()).toMatchObject({ code: 0, stdout: `${person.email} is now an operator (${person.userId})\n` })
  expect(await promote()).toMatchObject({ code: 0, stdout: expect.stringContaining('is an operator already') })
  await whileServing(async (server) => {
    expectError(await server.send('{ me { id } }', { token: person.token }), 'UNAUTHENTICATED', 'REVOKED')
    const { accessToken } = (await signIn(server, person.email)).data.login
    const answer = await server.send('{ me { isOperator } }', { token: accessToken })
    expect(answer.data).toEqual({ me: { isOperator: true } })
  })
})

test('beside a running server it works on PostgreSQL, and says why it does not on the embedded database', async () => {
  await whileServing(async (server) => {
    const ended = await operatorCommand(place, ['create', '--email', 'beside@example.test'], PASSWORD)
    if (POSTGRES_URL) {
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect((await signIn(server, 'beside@example.test')).errors).toEqual([])
    } else {
      expect(ended).toMatchObject({ code: 1, stdout: '' })
      expect(ended.stderr).toMatch(/^Another process \(\d+\) is using .*Stop it, or give this one/)
    }
  })
})
