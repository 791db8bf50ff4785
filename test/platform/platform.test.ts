import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenMember, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { countStatements, eventsOf, givenOperator, operate, type Operator } from './given-operator.ts'

let server: TestServer
let operator: Operator
let ann: Person
let bob: Person

beforeAll(async () => {
  server = await startServer()
  operator = await givenOperator(server)
  ann = await givenPerson(server, 'Anvil')
  bob = await givenPerson(server, 'Bobbin')
})
afterAll(() => server.close())

const ask = (query: string, variables: Record<string, unknown> = {}) =>
  server.send(query, { token: operator.token, variables })

test('an operator sees the organizations and users of all tenants, page by page', async () => {
  const first = await ask(`{ platform {
    organizations(first: 1) { totalCount nodes { id name slug suspendedAt } pageInfo { hasNextPage endCursor } }
    users(last: 2) { totalCount edges { cursor node { id email isActive isOperator } } pageInfo { hasPreviousPage } }
  } }`)
  expect(first.errors).toEqual([])
  const { organizations, users } = first.data.platform
  expect(organizations.nodes).toEqual([{ id: ann.organizationId, name: 'Anvil', slug: 'anvil', suspendedAt: null }])
  expect(organizations).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true } })
  expect(users.edges.map((edge: { node: { id: string } }) => edge.node.id)).toEqual([ann.userId, bob.userId])
  expect(users).toMatchObject({ totalCount: 3, pageInfo: { hasPreviousPage: true } })

  const second = await ask(
    `query ($after: String) { platform { organizations(after: $after) { nodes { id } pageInfo { hasNextPage } } } }`,
    { after: organizations.pageInfo.endCursor },
  )
  expect(second.data.platform.organizations).toEqual({
    nodes: [{ id: bob.organizationId }],
    pageInfo: { hasNextPage: false },
  })
})

test('an operator finds one by its id, and nothing by an id that is none', async () => {
  const answer = await ask(
    `query ($user: ID!, $organization: ID!, $unknown: ID!) { platform {
      user(id: $user) { email firstName isActive isOperator lastLoginAt }
      organization(id: $organization) { name requiresTenantApiKey }
      noUser: user(id: $unknown) { id }
      noOrganization: organization(id: $unknown) { id }
      odd: user(id: "' or 1=1") { id }
    } }`,
    {
      user: ann.userId.toUpperCase(),
      organization: bob.organizationId,
      unknown: operator.userId.replace(/^.{4}/, '0000'),
    },
  )
  expect(answer.errors).toEqual([])
  expect(answer.data.platform).toEqual({
    user: { email: ann.email, firstName: null, isActive: true, isOperator: false, lastLoginAt: expect.any(String) },
    organization: { name: 'Bobbin', requiresTenantApiKey: false },
    noUser: null,
    noOrganization: null,
    odd: null,
  })
})

test('audit events of all organizations are filtered by organization and paged, newest first', async () => {
  const query = `query ($id: ID, $first: Int, $after: String, $filter: AuditEventFilter) { platform {
    auditEvents(organizationId: $id, first: $first, after: $after, filter: $filter) {
      totalCount nodes { action organization { id } } pageInfo { endCursor hasNextPage }
    }
  } }`
  const page = async (variables: Record<string, unknown>) => (await ask(query, variables)).data.platform.auditEvents

  const first = await page({ id: bob.organizationId, first: 1 })
  expect(first).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true } })
  expect(first.nodes).toEqual([{ action: 'user.registered', organization: { id: bob.organizationId } }])
  const second = await page({ id: bob.organizationId, first: 1, after: first.pageInfo.endCursor })
  expect(second.nodes).toEqual([{ action: 'organization.created', organization: { id: bob.organizationId } }])

  const registered = await page({ filter: { action: 'user.registered', actorId: ann.userId } })
  expect(registered.nodes).toEqual([{ action: 'user.registered', organization: { id: ann.organizationId } }])
  const nobodys = await page({ id: 'no id at all' })
  expect(nobodys).toMatchObject({ totalCount: 0, nodes: [] })
})

test('a page out of bounds and a foreign cursor are refused', async () => {
  expectError(await ask('{ platform { users(first: 101) { nodes { id } } } }'), 'BAD_USER_INPUT')
  expectError(await ask('{ platform { auditEvents(after: "bm8") { nodes { id } } } }'), 'BAD_USER_INPUT')
})

test('nobody but an operator is let in', async () => {
  const query = '{ platform { users { nodes { id } } } }'
  expectError(await server.send(query), 'UNAUTHENTICATED', 'MISSING')
  const admin = await server.send(query, { token: ann.token })
  expectError(admin, 'FORBIDDEN', 'WRONG_KIND')
  expect(admin.errors[0]?.extensions.missing).toEqual(['OPERATOR'])
  for (const operation of ['activate', 'deactivate', 'suspend', 'reinstate', 'grant', 'revoke'] as const) {
    expectError(await operate(server, ann, operation, bob.userId), 'FORBIDDEN', 'WRONG_KIND')
  }
})

test('an operator has no rows of a tenant by being one', async () => {
  for (const [field, missing] of [
    ['projects { nodes { id } }', 'read:projects'],
    ['gateways { nodes { id } }', 'read:gateways'],
    ['apiKeys { nodes { id } }', 'ADMIN'],
    ['auditEvents { nodes { id } }', 'ADMIN'],
  ] as const) {
    const answer = await ask(`{ ${field} }`)
    expectError(answer, 'FORBIDDEN')
    expect(answer.errors[0]?.extensions.missing).toContain(missing)
  }
  const named = await server.send('{ projects { nodes { id } } }', {
    token: operator.token,
    headers: { 'x-tenant-id': ann.organizationId },
  })
  expectError(named, 'FORBIDDEN', 'NOT_A_MEMBER')
})

test('below the platform there are neither members nor memberships nor sessions of others', async () => {
  const answer = await ask(
    `query ($user: ID!, $organization: ID!) { platform {
      user(id: $user) { memberships { id } sessions { id } }
      organization(id: $organization) { name members { totalCount } }
    } }`,
    { user: ann.userId, organization: ann.organizationId },
  )
  expectError(answer, 'FORBIDDEN', 'INSUFFICIENT_ROLE')
  expect(answer.errors[0]?.path).toEqual(['platform', 'organization', 'members'])
  expect(answer.data.platform).toEqual({
    user: { memberships: [], sessions: [] },
    organization: { name: 'Anvil', members: null },
  })
})

test('an operator who is a member of an organization sees the members of that one alone', async () => {
  const member = await givenMember(server, ann, 'VIEWER')
  expect((await operate(server, operator, 'grant', member.userId)).errors).toEqual([])
  const renewed = await server.send(
    'mutation ($token: String!) { refresh(input: { refreshToken: $token }) { accessToken } }',
    { variables: { token: member.refreshToken } },
  )
  const answer = await server.send(
    '{ platform { organizations { nodes { name members { totalCount } } } users { nodes { id memberships { role } } } } }',
    { token: renewed.data.refresh.accessToken },
  )
  expectError(answer, 'FORBIDDEN', 'NOT_THE_CURRENT_ORGANIZATION')
  expect(answer.data.platform.organizations.nodes).toEqual([
    { name: 'Anvil', members: { totalCount: 2 } },
    { name: 'Bobbin', members: null },
  ])
  const own = answer.data.platform.users.nodes.filter((user: { memberships: unknown[] }) => user.memberships.length > 0)
  expect(own).toEqual([{ id: member.userId, memberships: [{ role: 'VIEWER' }] }])
  expect((await operate(server, operator, 'revoke', member.userId)).errors).toEqual([])
})

test('each operation that reads across tenants leaves one event with what it has read', async () => {
  const reads = async () => {
    const events = await server.send(
      '{ platform { auditEvents(filter: { action: "platform.read" }) { totalCount nodes { actorId actorKind } } } }',
      { token: operator.token },
    )
    return events.data.platform.auditEvents
  }
  const before = await reads()
  const answer = await ask(
    `query ($id: ID!, $no: Boolean = false) {
      a: platform { users(first: 100) { nodes { id } } ...More }
      b: platform { users(first: 50) { nodes { id } } organization(id: $id) @include(if: $no) { id } }
    }
    fragment More on Platform { auditEvents { nodes { organization { id } } } user(id: $id) { id } odd: user(id: "odd") { id } }`,
    { id: ann.userId },
  )
  expect(answer.errors).toEqual([])
  const after = await reads()
  // The one in question, and that of reading the events themselves.
  expect(after.totalCount).toBe(Number(before.totalCount) + 2)
  expect(after.nodes[0]).toEqual({ actorId: operator.userId, actorKind: 'OPERATOR' })
  const logged = server.logged.map((line) => JSON.parse(line)).filter((line) => line.msg === 'platform.read')
  expect(logged.at(-2).event).toMatchObject({
    organizationId: null,
    details: {
      fields: ['Platform.auditEvents', 'Platform.user', 'Platform.users', 'PlatformAuditEvent.organization'],
      ids: [ann.userId],
    },
  })

  expect((await ask('{ platform { __typename } }')).data).toEqual({ platform: { __typename: 'Platform' } })
  expect((await reads()).totalCount).toBe(Number(after.totalCount) + 1)
})

test('the organizations of a page of events cost one statement, whatever their number', async () => {
  const query = (first: number) =>
    ask(`{ platform { auditEvents(first: ${first}) { nodes { id organization { id name suspendedAt } } } } }`)
  await givenPerson(server, 'C')
  const few = await countStatements(server, () => query(3))
  for (const name of ['D', 'E', 'F']) await givenPerson(server, name)
  const many = await countStatements(server, () => query(100))
  expect(many).toBe(few)
})

test('events are not told of to the organizations that were read', async () => {
  const events = await eventsOf(server, operator, { action: 'platform.read' })
  expect(events.every((event) => event.organization === null)).toBe(true)
})
