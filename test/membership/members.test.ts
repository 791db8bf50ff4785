import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import {
  expectError,
  givenMember,
  givenPerson,
  PASSWORD,
  startServer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { inTransaction } from '../../src/database/tenancy.ts'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { sql } from '../paging/rows.ts'
import { mutate } from './race.ts'

let server: TestServer
let admin: Person
beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server)
})
afterAll(async () => server.close())

/** As an operator does it. */
async function deactivate(userId: string): Promise<void> {
  const opening = { door: 'operator', organizationId: null, readOnly: false } as const
  await inTransaction(server.app.services.database, opening, (em) =>
    em.execute('update users set deactivated_at = now() where id = ?', [userId]),
  )
}

const ROLE = '{ principal { role organization { id } } }'
const MEMBERS = '{ organization { members(first: 100) { totalCount nodes { id role user { id } } } } }'
const membersOf = async (person: { token: string }) => {
  const { data, errors } = await server.send(MEMBERS, { token: person.token })
  expect(errors).toEqual([])
  return data.organization.members.nodes as { id: string; role: string; user: { id: string } }[]
}
const membershipOf = async (viewer: { token: string }, userId: string) =>
  (await membersOf(viewer)).find(({ user }) => user.id === userId)!
const signIn = async (person: Person, organizationId: string) =>
  server.send('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
    variables: { input: { email: person.email, password: PASSWORD, organizationId } },
  })

test('a registered user becomes a member, with all that the role brings', async () => {
  const person = await givenPerson(server, null)
  const answer = await server.send(
    `mutation ($input: AddMemberInput!) {
      addMember(input: $input) { membership { id role createdAt user { id email } organization { id } } }
    }`,
    { token: admin.token, variables: { input: { email: person.email.toUpperCase(), role: 'DEVELOPER' } } },
  )
  expect(answer.errors).toEqual([])
  expect(answer.data.addMember.membership).toMatchObject({
    role: 'DEVELOPER',
    user: { id: person.userId, email: person.email },
    organization: { id: admin.organizationId },
  })
  const signedIn = await signIn(person, admin.organizationId)
  const { data } = await server.send(ROLE, { token: signedIn.data.login.accessToken })
  expect(data.principal).toEqual({ role: 'DEVELOPER', organization: { id: admin.organizationId } })
})

test('who is unknown or deactivated cannot be added, and who is a member cannot be added twice', async () => {
  const add = (email: string) => mutate(server, admin.token, 'add', { email, role: 'VIEWER' })
  expectError(await add(`${randomUUID()}@example.test`), 'NOT_FOUND')
  const deactivated = await givenPerson(server, null)
  await deactivate(deactivated.userId)
  expectError(await add(deactivated.email), 'NOT_FOUND')
  const member = await givenMember(server, admin, 'VIEWER')
  expectError(await add(member.email), 'CONFLICT', 'ALREADY_A_MEMBER')
  expectError(await add(admin.email), 'CONFLICT', 'ALREADY_A_MEMBER')
  expectError(await add('no address'), 'BAD_USER_INPUT')
})

test('a role that is changed is in force at once: the old token ends, a new sign-in has the new role', async () => {
  const member = await givenMember(server, admin, 'DEVELOPER')
  for (const role of ['ADMIN', 'VIEWER']) {
    const before = (await signIn(member, admin.organizationId)).data.login.accessToken
    const changed = await mutate(server, admin.token, 'change', { membershipId: member.membershipId, role })
    expect(changed.data.changeMemberRole.membership).toEqual({ id: member.membershipId, role })
    expectError(await server.send(ROLE, { token: before }), 'UNAUTHENTICATED', 'REVOKED')
    const after = (await signIn(member, admin.organizationId)).data.login.accessToken
    expect((await server.send(ROLE, { token: after })).data.principal.role).toBe(role)
  }
  const refreshed = await server.send(
    'mutation ($t: String!) { refresh(input: { refreshToken: $t }) { accessToken } }',
    {
      variables: { t: member.refreshToken },
    },
  )
  expect((await server.send(ROLE, { token: refreshed.data.refresh.accessToken })).data.principal.role).toBe('VIEWER')
})

test('the same role again changes nothing, and nobody is signed out by it', async () => {
  const member = await givenMember(server, admin, 'DEVELOPER')
  const changed = await mutate(server, admin.token, 'change', { membershipId: member.membershipId, role: 'DEVELOPER' })
  expect(changed.errors).toEqual([])
  expect((await server.send(ROLE, { token: member.token })).errors).toEqual([])
  const events = await sql(server, admin.organizationId, 'select id from audit_events where target_id = ?', [
    member.membershipId,
  ])
  expect(events).toHaveLength(1)
})

test('a member who is removed is shown as they were, and is out at once', async () => {
  const member = await givenMember(server, admin, 'DEVELOPER')
  const answer = await server.send(
    `mutation ($id: ID!) {
      removeMember(input: { membershipId: $id }) {
        membership { id role user { id email memberships { id } } organization { id members(last: 100) { nodes { id } } } }
      }
    }`,
    { token: admin.token, variables: { id: member.membershipId } },
  )
  expect(answer.errors).toEqual([])
  const { organization, ...membership } = answer.data.removeMember.membership
  expect(membership).toEqual({
    id: member.membershipId,
    role: 'DEVELOPER',
    user: { id: member.userId, email: member.email, memberships: [] },
  })
  expect(organization.members.nodes).not.toContainEqual({ id: member.membershipId })
  expectError(await server.send(ROLE, { token: member.token }), 'UNAUTHENTICATED', 'REVOKED')
  expectError(await signIn(member, admin.organizationId), 'FORBIDDEN', 'NOT_A_MEMBER')
  expectError(await mutate(server, admin.token, 'remove', { membershipId: member.membershipId }), 'NOT_FOUND')
  expectError(
    await mutate(server, admin.token, 'change', { membershipId: member.membershipId, role: 'VIEWER' }),
    'NOT_FOUND',
  )
})

test('a member who is removed and added again starts anew: the token of before stays refused', async () => {
  const member = await givenMember(server, admin, 'ADMIN')
  await mutate(server, admin.token, 'remove', { membershipId: member.membershipId })
  const again = await mutate(server, admin.token, 'add', { email: member.email, role: 'VIEWER' })
  expect(again.data.addMember.membership.id).not.toBe(member.membershipId)
  expectError(await server.send(ROLE, { token: member.token }), 'UNAUTHENTICATED', 'REVOKED')
})

test('a member leaves, and is out at once', async () => {
  const member = await givenMember(server, admin, 'VIEWER')
  const left = await server.send('mutation { leaveOrganization { organization { id name slug } } }', {
    token: member.token,
  })
  expect(left.errors).toEqual([])
  expect(left.data.leaveOrganization.organization).toMatchObject({ id: admin.organizationId, name: 'Acme' })
  expectError(await server.send(ROLE, { token: member.token }), 'UNAUTHENTICATED', 'REVOKED')
  expect(await membershipOf(admin, member.userId)).toBeUndefined()
  expectError(
    await server.send('mutation { leaveOrganization { organization { id } } }', {
      token: (await givenPerson(server, null)).token,
    }),
    'FORBIDDEN',
    'NO_ORGANIZATION',
  )
})

test('an ADMIN who cannot sign in does not count as one who stays', async () => {
  const one = await givenPerson(server)
  const other = await givenMember(server, one, 'ADMIN')
  await deactivate(other.userId)
  expectError(
    await server.send('mutation { leaveOrganization { organization { id } } }', { token: one.token }),
    'CONFLICT',
    'LAST_ADMIN',
  )
})

test('who is no ADMIN may go also where no ADMIN can sign in', async () => {
  const owner = await givenPerson(server)
  const [one, two] = [await givenMember(server, owner, 'VIEWER'), await givenMember(server, owner, 'ADMIN')]
  await deactivate(owner.userId)
  await deactivate(two.userId)
  expect((await mutate(server, one.token, 'leave')).errors).toEqual([])
})

test('the last ADMIN neither leaves, nor is removed, nor steps down', async () => {
  const only = await givenPerson(server)
  await givenMember(server, only, 'DEVELOPER')
  const { id: membershipId } = await membershipOf(only, only.userId)
  expectError(await mutate(server, only.token, 'leave'), 'CONFLICT', 'LAST_ADMIN')
  expectError(await mutate(server, only.token, 'remove', { membershipId }), 'CONFLICT', 'LAST_ADMIN')
  expectError(await mutate(server, only.token, 'change', { membershipId, role: 'VIEWER' }), 'CONFLICT', 'LAST_ADMIN')
  expect((await server.send(ROLE, { token: only.token })).data.principal.role).toBe('ADMIN')
  const second = await givenMember(server, only, 'ADMIN')
  expect((await mutate(server, only.token, 'leave')).errors).toEqual([])
  expectError(await mutate(server, second.token, 'leave'), 'CONFLICT', 'LAST_ADMIN')
})

test('below ADMIN nobody manages members, not even themselves', async () => {
  for (const role of ['VIEWER', 'DEVELOPER'] as const) {
    const member = await givenMember(server, admin, role)
    const { membershipId } = member
    const someone = await givenPerson(server, null)
    for (const answer of [
      await mutate(server, member.token, 'change', { membershipId, role: 'ADMIN' }),
      await mutate(server, member.token, 'remove', { membershipId }),
      await mutate(server, member.token, 'add', { email: someone.email, role: 'VIEWER' }),
      await mutate(
        server,
        member.token,
        'change',
        { membershipId, role: 'ADMIN' },
        { 'x-tenant-id': admin.organizationId },
      ),
    ]) {
      expectError(answer, 'FORBIDDEN')
      expect(answer.errors[0]?.extensions).toMatchObject({ required: ['ADMIN'], missing: ['ADMIN'] })
    }
    expect((await membershipOf(admin, member.userId)).role).toBe(role)
  }
})

test('an ADMIN elsewhere is nobody here, by token and by X-Tenant-Id', async () => {
  const elsewhere = await givenPerson(server, 'Elsewhere')
  const member = await givenMember(server, admin, 'VIEWER')
  const { membershipId } = member
  for (const id of [membershipId, randomUUID(), 'x']) {
    expectError(await mutate(server, elsewhere.token, 'remove', { membershipId: id }), 'NOT_FOUND')
    expectError(await mutate(server, elsewhere.token, 'change', { membershipId: id, role: 'ADMIN' }), 'NOT_FOUND')
  }
  // An ADMIN of one's own organization, a VIEWER in this one.
  const added = await mutate(server, admin.token, 'add', { email: elsewhere.email, role: 'VIEWER' })
  const there = { 'x-tenant-id': admin.organizationId }
  const own = { membershipId: added.data.addMember.membership.id, role: 'ADMIN' }
  expectError(await mutate(server, elsewhere.token, 'change', own, there), 'FORBIDDEN')
  expectError(await mutate(server, elsewhere.token, 'change', own), 'NOT_FOUND')
  expect((await membershipOf(admin, elsewhere.userId)).role).toBe('VIEWER')
  expectError(await mutate(server, elsewhere.token, 'leave'), 'CONFLICT', 'LAST_ADMIN')
  expect((await mutate(server, elsewhere.token, 'leave', undefined, there)).errors).toEqual([])
  expect(await membershipOf(admin, elsewhere.userId)).toBeUndefined()
})

test("somebody else's memberships are not told", async () => {
  const person = await givenPerson(server, 'Theirs')
  await mutate(server, admin.token, 'add', { email: person.email, role: 'VIEWER' })
  const { data, errors } = await server.send(
    '{ me { memberships { organization { id } } } organization { members(first: 50) { nodes { user { id memberships { id } } } } } }',
    { token: admin.token },
  )
  expect(errors).toEqual([])
  expect(data.me.memberships).toEqual([{ organization: { id: admin.organizationId } }])
  for (const { user } of data.organization.members.nodes) {
    if (user.id !== admin.userId) expect(user.memberships).toEqual([])
  }
})

test('an ADMIN whom a tenant key has left few scopes makes nobody what has more', async () => {
  const member = await givenMember(server, admin, 'VIEWER')
  const { email } = await givenPerson(server, null)
  const { secret } = await givenApiKey(server, admin, { scopes: ['read:*'] })
  const headers = { 'x-tenant-id': admin.organizationId, 'x-tenant-api-key': secret }
  const as = (what: 'add' | 'change', input: Record<string, unknown>) =>
    mutate(server, admin.token, what, input, headers)
  const { membershipId } = member
  for (const role of ['DEVELOPER', 'ADMIN']) {
    expectError(await as('add', { email, role }), 'FORBIDDEN', 'ABOVE_OWN_SCOPES')
    expectError(await as('change', { membershipId, role }), 'FORBIDDEN', 'ABOVE_OWN_SCOPES')
  }
  expect((await as('change', { membershipId, role: 'VIEWER' })).errors).toEqual([])
  expect((await as('add', { email, role: 'VIEWER' })).errors).toEqual([])
})
