import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenMember, givenPerson, givenProject, startServer, type TestServer } from '../harness.ts'
import { eventsOf, givenOperator, operate, operations, signIn, type Operator } from './given-operator.ts'

let server: TestServer
let operator: Operator

beforeAll(async () => {
  server = await startServer()
  operator = await givenOperator(server)
})
afterAll(() => server.close())

const me = (person: { token: string }, headers: Record<string, string> = {}) =>
  server.send('{ me { id } organization { id } }', { token: person.token, headers })
const refresh = (person: { refreshToken: string }) =>
  server.send(
    `mutation ($token: String!) {
      refresh(input: { refreshToken: $token }) { accessToken refreshToken organization { id } user { isOperator } }
    }`,
    { variables: { token: person.refreshToken } },
  )

test('a deactivated user is out at once: tokens, sessions and sign-in', async () => {
  const person = await givenPerson(server)
  const answer = await operate(server, operator, 'deactivate', person.userId)
  expect(answer.data).toEqual({ deactivateUser: { user: { id: person.userId, isActive: false } } })
  expectError(await me(person), 'UNAUTHENTICATED', 'REVOKED')
  expectError(await refresh(person), 'UNAUTHENTICATED', 'REVOKED')
  expectError(await signIn(server, person.email), 'UNAUTHENTICATED', 'INVALID_CREDENTIALS')
})

test('an activated user signs in again, and what was ended stays ended', async () => {
  const person = await givenPerson(server)
  await operate(server, operator, 'deactivate', person.userId)
  const answer = await operate(server, operator, 'activate', person.userId)
  expect(answer.data).toEqual({ activateUser: { user: { id: person.userId, isActive: true } } })
  expectError(await me(person), 'UNAUTHENTICATED', 'REVOKED')
  expectError(await refresh(person), 'UNAUTHENTICATED', 'REVOKED')
  const again = await signIn(server, person.email)
  expect(again.errors).toEqual([])
  expect((await me({ token: again.data.login.accessToken })).data.me).toEqual({ id: person.userId })
})

test('nobody deactivates themselves', async () => {
  await givenOperator(server)
  expectError(await operate(server, operator, 'deactivate', operator.userId), 'CONFLICT', 'OWN_ACCOUNT')
  expect((await me(operator)).errors).toEqual([])
})

test("a suspended organization's tokens are refused at once, and sign-in takes another one where it is asked for", async () => {
  const admin = await givenPerson(server, 'Suspended')
  const other = await givenPerson(server, 'Other')
  const both = await givenMember(server, other, 'VIEWER')
  await server.send(`mutation ($input: AddMemberInput!) { addMember(input: $input) { membership { id } } }`, {
    token: admin.token,
    variables: { input: { email: both.email, role: 'VIEWER' } },
  })
  const inSuspended = await server.send(
    `mutation ($id: ID!) { switchOrganization(input: { organizationId: $id }) { accessToken refreshToken } }`,
    { token: both.token, variables: { id: admin.organizationId } },
  )
  const { accessToken, refreshToken } = inSuspended.data.switchOrganization

  const answer = await operate(server, operator, 'suspend', admin.organizationId, { reason: 'unpaid' })
  expect(answer.data.suspendOrganization.organization).toEqual({
    id: admin.organizationId,
    suspendedAt: expect.any(String),
  })
  expectError(await me(admin), 'UNAUTHENTICATED', 'REVOKED')
  expectError(await me({ token: accessToken }), 'UNAUTHENTICATED', 'REVOKED')
  expect((await refresh({ refreshToken })).data.refresh.organization).toBeNull()
  expect((await signIn(server, both.email)).data.login.organization).toBeNull()
  const signedIn = await signIn(server, both.email, other.organizationId)
  expect(signedIn.data.login.organization).toEqual({ id: other.organizationId })
  const named = await me({ token: signedIn.data.login.accessToken }, { 'x-tenant-id': admin.organizationId })
  expectError(named, 'FORBIDDEN', 'NOT_A_MEMBER')
  const nowhere = await signIn(server, admin.email)
  expect(nowhere.data.login.organization).toBeNull()
})

test('a reinstated organization works again at once, with the tokens of before and its rows as they were', async () => {
  const admin = await givenPerson(server, 'Back again')
  const projectId = await givenProject(server, admin)
  await operate(server, operator, 'suspend', admin.organizationId)
  expectError(await me(admin), 'UNAUTHENTICATED', 'REVOKED')
  const answer = await operate(server, operator, 'reinstate', admin.organizationId)
  expect(answer.data.reinstateOrganization.organization).toEqual({ id: admin.organizationId, suspendedAt: null })
  const projects = await server.send('{ projects { nodes { id } } }', { token: admin.token })
  expect(projects.data).toEqual({ projects: { nodes: [{ id: projectId }] } })
  expect((await signIn(server, admin.email)).data.login.organization).toEqual({ id: admin.organizationId })
})

test('reinstating gives nobody back what was ended for another reason', async () => {
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'VIEWER')
  await server.send('mutation ($id: ID!) { removeMember(input: { membershipId: $id }) { membership { id } } }', {
    token: admin.token,
    variables: { id: member.membershipId },
  })
  await operate(server, operator, 'suspend', admin.organizationId)
  await operate(server, operator, 'reinstate', admin.organizationId)
  expectError(await me(member), 'UNAUTHENTICATED', 'REVOKED')

  await server.send(
    'mutation ($slug: String!) { deleteOrganization(input: { confirmSlug: $slug }) { organization { id } } }',
    {
      token: admin.token,
      variables: { slug: admin.organizationSlug },
    },
  )
  expectError(await operate(server, operator, 'reinstate', admin.organizationId), 'NOT_FOUND')
  expectError(await me(admin), 'UNAUTHENTICATED', 'REVOKED')
})

test('a new operator has the power with the next token, and a removed one has it no longer', async () => {
  const person = await givenPerson(server)
  const granted = await operate(server, operator, 'grant', person.userId)
  expect(granted.data).toEqual({ setOperator: { user: { id: person.userId, isOperator: true } } })
  expectError(await me(person), 'UNAUTHENTICATED', 'REVOKED')
  const asOperator = (await refresh(person)).data.refresh
  expect(asOperator.user).toEqual({ isOperator: true })
  const tree = '{ platform { users(first: 1) { nodes { id } } } }'
  expect((await server.send(tree, { token: asOperator.accessToken })).errors).toEqual([])

  await operate(server, operator, 'revoke', person.userId)
  expectError(await server.send(tree, { token: asOperator.accessToken }), 'UNAUTHENTICATED', 'REVOKED')
  const asUser = (await refresh(asOperator)).data.refresh
  expect(asUser.user).toEqual({ isOperator: false })
  expectError(await server.send(tree, { token: asUser.accessToken }), 'FORBIDDEN', 'WRONG_KIND')
})

test('who is given the power again keeps the tokens, and so does who is none and has it taken', async () => {
  const [person, second] = [await givenPerson(server), await givenOperator(server)]
  expect((await operate(server, operator, 'grant', second.userId)).errors).toEqual([])
  expect((await operate(server, operator, 'revoke', person.userId)).errors).toEqual([])
  for (const one of [second, person]) expect((await me(one)).errors).toEqual([])
})

test('the last operator remains one; another may be deactivated, and counts no more', async () => {
  const alone = await startServer()
  try {
    const [first, second] = [await givenOperator(alone), await givenOperator(alone)]
    expect((await operate(alone, first, 'deactivate', second.userId)).errors).toEqual([])
    expectError(await operate(alone, first, 'revoke', first.userId), 'CONFLICT', 'LAST_OPERATOR')
    expect((await operate(alone, first, 'activate', second.userId)).errors).toEqual([])
    const resigned = await operate(alone, first, 'revoke', first.userId)
    expect(resigned.data).toEqual({ setOperator: { user: { id: first.userId, isOperator: false } } })
    expectError(await operate(alone, first, 'grant', first.userId), 'UNAUTHENTICATED', 'REVOKED')
  } finally {
    await alone.close()
  }
})

test('an id that nobody has is not found', async () => {
  for (const operation of Object.keys(operations) as (keyof typeof operations)[]) {
    for (const id of [randomUUID(), 'no id at all']) {
      expectError(await operate(server, operator, operation, id), 'NOT_FOUND')
    }
  }
})

test('a reason that is too long is refused', async () => {
  const { organizationId } = await givenPerson(server)
  const answer = await operate(server, operator, 'suspend', organizationId, { reason: 'x'.repeat(2_001) })
  expectError(answer, 'BAD_USER_INPUT')
})

test('each change leaves an event, and so does each refusal', async () => {
  const person = await givenPerson(server, 'Watched')
  for (const operation of ['deactivate', 'activate', 'grant', 'revoke'] as const) {
    await operate(server, operator, operation, person.userId)
  }
  await operate(server, operator, 'suspend', person.organizationId, { reason: 'a secret reason' })
  await operate(server, operator, 'reinstate', person.organizationId)
  await operate(server, operator, 'deactivate', operator.userId)
  await operate(server, operator, 'activate', 'a made-up id')

  const events = (await eventsOf(server, operator, { actorId: operator.userId })).slice(0, 9)
  const about = (action: string, targetType: string | null, targetId: string | null, organization: string | null) => ({
    action,
    succeeded: true,
    actorKind: 'OPERATOR',
    actorId: operator.userId,
    targetType,
    targetId,
    organization: organization && { id: organization },
  })
  expect(events).toEqual([
    about('platform.read', null, null, null),
    { ...about('user.activated', null, null, null), succeeded: false },
    { ...about('user.deactivated', 'User', operator.userId, null), succeeded: false },
    about('organization.reinstated', 'Organization', person.organizationId, person.organizationId),
    about('organization.suspended', 'Organization', person.organizationId, person.organizationId),
    about('user.operator_revoked', 'User', person.userId, null),
    about('user.operator_granted', 'User', person.userId, null),
    about('user.activated', 'User', person.userId, null),
    about('user.deactivated', 'User', person.userId, null),
  ])
  expect(server.logged.join('\n')).not.toContain('a secret reason')
})
