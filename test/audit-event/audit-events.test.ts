import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import {
  expectError,
  givenGateway,
  givenMember,
  givenPerson,
  givenProject,
  PASSWORD,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { sql } from '../paging/rows.ts'

let server: TestServer
let admin: Person
let now = new Date('2026-03-01T00:00:00Z')
beforeAll(async () => {
  server = await startServer({ clock: () => now })
  admin = await givenPerson(server)
})
afterAll(async () => server.close())

interface Event {
  action: string
  organization_id: string | null
  actor_kind: string | null
  actor_id: string | null
  target_type: string | null
  target_id: string | null
  succeeded: boolean
  ip_address: string
  user_agent: string | null
  request_id: string
  details: Record<string, unknown> | null
}
const eventsOf = (organizationId: string, requestId: string) =>
  sql<Event>(server, organizationId, 'select * from audit_events where request_id = ?', [requestId])

/** Sends an operation under a request id of its own. */
async function traced(person: { token: string }, query: string, variables: Record<string, unknown> = {}) {
  const requestId = randomUUID()
  const answer = await server.send(query, {
    token: person.token,
    variables,
    headers: { 'x-request-id': requestId, 'user-agent': 'audited/1' },
  })
  return { answer, requestId }
}

const CHANGES: [action: string, query: string, variables: () => Promise<Record<string, unknown>>][] = [
  ['project.created', 'mutation { r: createProject(input: { name: "p" }) { project { id } } }', async () => ({})],
  [
    'project.updated',
    'mutation ($id: ID!) { r: updateProject(input: { id: $id, name: "q" }) { project { id } } }',
    async () => ({ id: await givenProject(server, admin) }),
  ],
  [
    'project.deleted',
    'mutation ($id: ID!) { r: deleteProject(input: { id: $id }) { project { id } } }',
    async () => {
      const id = await givenProject(server, admin)
      await givenGateway(server, admin, id)
      return { id }
    },
  ],
  [
    'gateway.created',
    'mutation ($id: ID!) { r: createGateway(input: { projectId: $id, name: "g" }) { gateway { id } } }',
    async () => ({ id: await givenProject(server, admin) }),
  ],
  [
    'gateway.updated',
    'mutation ($id: ID!) { r: updateGateway(input: { id: $id, name: "h" }) { gateway { id } } }',
    async () => ({ id: await givenGateway(server, admin, await givenProject(server, admin)) }),
  ],
  [
    'gateway.deleted',
    'mutation ($id: ID!) { r: deleteGateway(input: { id: $id }) { gateway { id } } }',
    async () => ({ id: await givenGateway(server, admin, await givenProject(server, admin)) }),
  ],
  [
    'organization.updated',
    'mutation { r: updateOrganization(input: { name: "Acme Secret Name" }) { organization { id } } }',
    async () => ({}),
  ],
  [
    'membership.added',
    'mutation ($email: EmailAddress!) { r: addMember(input: { email: $email, role: VIEWER }) { membership { id } } }',
    async () => ({ email: (await givenPerson(server, null)).email }),
  ],
  [
    'membership.role_changed',
    'mutation ($id: ID!) { r: changeMemberRole(input: { membershipId: $id, role: DEVELOPER }) { membership { id } } }',
    async () => ({ id: (await givenMember(server, admin, 'VIEWER')).membershipId }),
  ],
  [
    'membership.removed',
    'mutation ($id: ID!) { r: removeMember(input: { membershipId: $id }) { membership { id } } }',
    async () => ({ id: (await givenMember(server, admin, 'VIEWER')).membershipId }),
  ],
]
const somebody: unknown = expect.any(String)
/** What the events say beside that; the others nothing. */
const DETAILS: Record<string, unknown> = {
  'project.deleted': { gateways: 1 },
  'organization.updated': { fields: ['name'] },
  'membership.added': { userId: somebody, role: 'VIEWER' },
  'membership.role_changed': { userId: somebody, from: 'VIEWER', to: 'DEVELOPER' },
  'membership.removed': { userId: somebody, role: 'VIEWER' },
}
const targetIn = (answer: Answer): [string, string] => {
  const [[type, { id }]] = Object.entries<any>(answer.data.r) as [[string, { id: string }]]
  return [`${type.slice(0, 1).toUpperCase()}${type.slice(1)}`, id]
}

test.each(CHANGES)(
  '%s leaves one event that says who, what, where and from where',
  async (action, query, variables) => {
    const { answer, requestId } = await traced(admin, query, await variables())
    expect(answer.errors).toEqual([])
    const [type, id] = targetIn(answer)
    expect(await eventsOf(admin.organizationId, requestId)).toEqual([
      expect.objectContaining({
        action,
        organization_id: admin.organizationId,
        actor_kind: 'USER',
        actor_id: admin.userId,
        target_type: type,
        target_id: id,
        succeeded: true,
        ip_address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
        user_agent: 'audited/1',
        request_id: requestId,
        details: DETAILS[action] ?? null,
      }),
    ])
    const logged = server.logged
      .map((line) => JSON.parse(line))
      .filter((line) => line.requestId === requestId && line.event)
    expect(logged.map(({ event, level }) => [event.action, level])).toEqual([[action, 30]])
  },
)

test('leaving, founding and deleting an organization leave one event each, in that organization', async () => {
  const founder = await givenPerson(server, 'Founded')
  const member = await givenMember(server, founder, 'VIEWER')
  const left = await traced(member, 'mutation { leaveOrganization { organization { id } } }')
  const found = await traced(founder, 'mutation { createOrganization(input: { name: "New" }) { organization { id } } }')
  const deleted = await traced(
    founder,
    'mutation ($s: String!) { deleteOrganization(input: { confirmSlug: $s }) { organization { id } } }',
    { s: founder.organizationSlug },
  )
  const newId: string = found.answer.data.createOrganization.organization.id
  for (const [organizationId, requestId, event] of [
    [
      founder.organizationId,
      left.requestId,
      {
        ...{ action: 'membership.left', actor_id: member.userId },
        ...{ target_type: 'Membership', target_id: member.membershipId },
        details: { userId: member.userId, role: 'VIEWER' },
      },
    ],
    [newId, found.requestId, { action: 'organization.created', actor_id: founder.userId, target_id: newId }],
    [
      founder.organizationId,
      deleted.requestId,
      {
        ...{ action: 'organization.deleted', actor_id: founder.userId },
        ...{ target_type: 'Organization', target_id: founder.organizationId },
      },
    ],
  ] as const) {
    const events = await eventsOf(organizationId, requestId)
    expect(events).toEqual([expect.objectContaining({ ...event, actor_kind: 'USER', organization_id: organizationId })])
  }
})

test('a change that fails leaves no event, in the table or in the log', async () => {
  const membership = await server.send('{ me { memberships { id } } }', { token: admin.token })
  const membershipId: string = membership.data.me.memberships[0].id
  for (const [code, query, variables] of [
    [
      'NOT_FOUND',
      'mutation ($id: ID!) { updateProject(input: { id: $id, name: "x" }) { project { id } } }',
      { id: randomUUID() },
    ],
    [
      'NOT_FOUND',
      'mutation ($id: ID!) { createGateway(input: { projectId: $id, name: "x" }) { gateway { id } } }',
      { id: randomUUID() },
    ],
    ['BAD_USER_INPUT', 'mutation { createProject(input: { name: " " }) { project { id } } }', {}],
    ['BAD_USER_INPUT', 'mutation { deleteOrganization(input: { confirmSlug: "x" }) { organization { id } } }', {}],
    ['CONFLICT', 'mutation { leaveOrganization { organization { id } } }', {}],
    [
      'CONFLICT',
      'mutation ($id: ID!) { removeMember(input: { membershipId: $id }) { membership { id } } }',
      { id: membershipId },
    ],
  ] as const) {
    const { answer, requestId } = await traced(admin, query, variables)
    expectError(answer, code)
    expect(await eventsOf(admin.organizationId, requestId)).toEqual([])
    expect(server.logged.filter((line) => line.includes(requestId) && line.includes('"event"'))).toEqual([])
  }
})

test('what is written is undone with its event where the transaction fails at its end', async () => {
  const { answer, requestId } = await traced(
    admin,
    `mutation ($id: ID!) { one: createProject(input: { name: "kept" }) { project { id } }
      two: createGateway(input: { projectId: $id, name: "lost" }) { gateway { id } } }`,
    { id: randomUUID() },
  )
  expectError(answer, 'NOT_FOUND')
  expect((await eventsOf(admin.organizationId, requestId)).map(({ action }) => action)).toEqual(['project.created'])
})

test('a denied mutation is recorded with its coordinate, once a minute for each principal and organization', async () => {
  const elsewhere = await givenPerson(server, 'Elsewhere')
  const viewer = await givenMember(server, admin, 'VIEWER')
  const denied = async (person: { token: string }, headers = {}) => {
    const answer = await server.send('mutation { createProject(input: { name: "x" }) { project { id } } }', {
      token: person.token,
      headers,
    })
    expectError(answer, 'FORBIDDEN')
  }
  const recorded = (organizationId: string) =>
    sql<Event>(
      server,
      organizationId,
      "select * from audit_events where action = 'authorization.denied' and actor_id = ?",
      [viewer.userId],
    )
  for (let n = 0; n < 5; n += 1) await denied(viewer)
  expect(await recorded(admin.organizationId)).toEqual([
    expect.objectContaining({
      actor_kind: 'USER',
      organization_id: admin.organizationId,
      target_type: 'Field',
      target_id: 'Mutation.createProject',
      succeeded: false,
      details: { missing: ['write:projects'] },
    }),
  ])
  // In another organization it is news.
  await server.send(
    'mutation ($e: EmailAddress!) { addMember(input: { email: $e, role: VIEWER }) { membership { id } } }',
    {
      token: elsewhere.token,
      variables: { e: viewer.email },
    },
  )
  await denied(viewer, { 'x-tenant-id': elsewhere.organizationId })
  expect(await recorded(elsewhere.organizationId)).toHaveLength(1)
  now = new Date(now.getTime() + 61_000)
  await denied(viewer)
  await denied(viewer)
  expect(await recorded(admin.organizationId)).toHaveLength(2)
})

test('events are listed newest first, and found by action, actor and time', async () => {
  const own = await givenPerson(server)
  const other = await givenMember(server, own, 'DEVELOPER')
  const times: Date[] = []
  for (const person of [own, other, own]) {
    now = new Date(now.getTime() + 1_000)
    times.push(now)
    await givenProject(server, person)
  }
  const list = async (filter: Record<string, unknown>, token = own.token) => {
    const answer = await server.send(
      `query ($filter: AuditEventFilter) {
        auditEvents(first: 100, filter: $filter) { totalCount nodes { action actorId actorKind createdAt targetType succeeded } }
      }`,
      { token, variables: { filter } },
    )
    expect(answer.errors).toEqual([])
    expect(answer.data.auditEvents.totalCount).toBe(answer.data.auditEvents.nodes.length)
    return answer.data.auditEvents.nodes as { action: string; actorId: string; createdAt: string }[]
  }
  const all = await list({})
  expect(all.map(({ createdAt }) => createdAt)).toEqual(
    all
      .map(({ createdAt }) => createdAt)
      .toSorted()
      .reverse(),
  )
  const created = await list({ action: 'project.created' })
  expect(created.map(({ actorId }) => actorId)).toEqual([own.userId, other.userId, own.userId])
  expect(await list({ action: 'project.created', actorId: other.userId })).toEqual([created[1]])
  expect(await list({ action: 'project.created', since: times[1] })).toEqual(created.slice(0, 2))
  expect(await list({ action: 'project.created', until: times[1] })).toEqual(created.slice(2))
  expect(await list({ action: 'project.created', since: times[1], until: times[2] })).toEqual([created[1]])
  expect(await list({ action: null, actorId: null, since: null, until: null })).toEqual(all)
  for (const filter of [{ action: '%' }, { action: '' }, { action: 'PROJECT.CREATED' }, { actorId: "' or 1=1" }]) {
    expect(await list(filter)).toEqual([])
  }
  expect(await list({ actorId: own.userId }, admin.token)).toEqual([])
})

test('times that no table holds are refused, and every other one is answered', async () => {
  const ask = (filter: Record<string, unknown>) =>
    server.send('query ($filter: AuditEventFilter) { auditEvents(filter: $filter) { totalCount } }', {
      token: admin.token,
      variables: { filter },
    })
  for (const time of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2026-03-01T00:00:00+05:30']) {
    expect((await ask({ since: time, until: time })).errors).toEqual([])
  }
  for (const time of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00', 'now', 1]) {
    expectError(await ask({ since: time }), 'BAD_USER_INPUT')
    expectError(await ask({ until: time }), 'BAD_USER_INPUT')
  }
})

test('only an ADMIN reads the events', async () => {
  for (const role of ['VIEWER', 'DEVELOPER'] as const) {
    const member = await givenMember(server, admin, role)
    expectError(await server.send('{ auditEvents { totalCount } }', { token: member.token }), 'FORBIDDEN')
  }
})

test('no event and no log line holds a secret, or a text that a client typed', async () => {
  const rows = await sql<Event>(server, admin.organizationId, 'select * from audit_events')
  const written = [JSON.stringify(rows), ...server.logged].join('\n')
  expect(written).toContain('organization.updated')
  for (const secret of [PASSWORD, admin.token, admin.refreshToken, admin.token.split('.')[2]!, 'Acme Secret Name']) {
    expect(written).not.toContain(secret)
  }
})
