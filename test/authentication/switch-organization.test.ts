import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type Answer, type Person, type TestServer } from '../harness.ts'
import {
  asOwner,
  auditEvents,
  claimsOf,
  pairOf,
  refresh,
  sessionIdOf,
  stateOf,
  switchOrganization,
  whoIs,
} from '../session/given-sessions.ts'

let server: TestServer
let person: Person
let second: string
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const UNKNOWN = '01930000-0000-7000-8000-000000000000'
const body = ({ status, data, errors }: Answer) => JSON.stringify({ status, data, errors })

/** Somebody with two organizations: ADMIN of the current one, VIEWER of the other. */
async function givenTwoOrganizations(): Promise<[Person, string]> {
  const [member, admin] = [await givenPerson(server), await givenPerson(server, 'Other')]
  const query = 'mutation ($input: AddMemberInput!) { addMember(input: $input) { membership { id } } }'
  const variables = { input: { email: member.email, role: 'VIEWER' } }
  expect((await server.send(query, { token: admin.token, variables })).errors).toEqual([])
  return [member, admin.organizationId]
}

beforeAll(async () => {
  ;[person, second] = await givenTwoOrganizations()
})

test('switching gives a pair for the other organization, in the same session, which a refresh keeps', async () => {
  const answer = await switchOrganization(server, person.token, second)
  expect(answer.errors).toEqual([])
  expect(answer.data.switchOrganization.organization).toEqual({ id: second })
  const next = pairOf(answer)
  expect(claimsOf(next.token)).toMatchObject({ organization: second, role: 'VIEWER', scope: 'read:*' })
  expect(sessionIdOf(next.token)).toBe(sessionIdOf(person.token))
  expect(claimsOf(pairOf(await refresh(server, next.refreshToken)).token)).toMatchObject({ organization: second })
  expect(await stateOf(server, person.token)).toBe('ok')
  const events = await auditEvents(server, 'session.organization_switched')
  expect(events).toMatchObject([{ actor_id: person.userId, organization_id: second, succeeded: true }])
})

test('a foreign, unknown or malformed organization is denied alike, and nothing is switched', async () => {
  const [own] = await givenTwoOrganizations()
  const stranger = await givenPerson(server)
  const ids = [stranger.organizationId, UNKNOWN, 'x', '', '%', `${own.organizationId} `]
  const answers = await Promise.all(ids.map((id) => switchOrganization(server, own.token, id)))
  for (const answer of answers) {
    expectError(answer, 'FORBIDDEN', 'NOT_A_MEMBER')
    expect(body(answer)).toBe(body(answers[0]!))
  }
  expect((await refresh(server, own.refreshToken)).data.refresh.organization.id).toBe(own.organizationId)
})

test('nobody switches to a deleted or suspended organization, without a session, or after it has ended', async () => {
  for (const column of ['deleted_at', 'suspended_at']) {
    const [own, other] = await givenTwoOrganizations()
    await asOwner(server, `update organizations set ${column} = now() where id = ?`, [other])
    expectError(await switchOrganization(server, own.token, other), 'FORBIDDEN', 'NOT_A_MEMBER')
  }
  expectError(await switchOrganization(server, null, second), 'UNAUTHENTICATED', 'MISSING')
  const [own, other] = await givenTwoOrganizations()
  await asOwner(server, 'update sessions set revoked_at = now() where user_id = ?', [own.userId])
  expectError(await switchOrganization(server, own.token, other), 'UNAUTHENTICATED', 'REVOKED')
})

test('X-Tenant-Id acts in another own organization without a new token, with the role there', async () => {
  const answer = await whoIs(server, person.token, { 'x-tenant-id': second })
  expect(answer.errors).toEqual([])
  expect(answer.data.principal).toEqual({ subject: person.userId, role: 'VIEWER', organization: { id: second } })
  const upper = await whoIs(server, person.token, { 'x-tenant-id': second.toUpperCase() })
  expect(body(upper)).toBe(body(answer))
  const own = await whoIs(server, person.token, { 'x-tenant-id': person.organizationId.toUpperCase() })
  expect(own.data.principal).toEqual({
    subject: person.userId,
    role: 'ADMIN',
    organization: { id: person.organizationId },
  })
  const create = 'mutation { createProject(input: { name: "x" }) { project { id } } }'
  expectError(await server.send(create, { token: person.token, headers: { 'x-tenant-id': second } }), 'FORBIDDEN')
  expect((await whoIs(server, person.token)).data.principal.organization.id).toBe(person.organizationId)
})

test('X-Tenant-Id with a foreign, unknown or malformed id is answered alike, to the byte', async () => {
  const stranger = await givenPerson(server)
  const [own, deleted] = await givenTwoOrganizations()
  await asOwner(server, 'update organizations set deleted_at = now() where id = ?', [deleted])
  const [other, suspended] = await givenTwoOrganizations()
  await asOwner(server, 'update organizations set suspended_at = now() where id = ?', [suspended])
  const cases: [Person, string][] = [
    ...[stranger.organizationId, UNKNOWN, 'x', '', '%00', 'null', `${second}, ${second}`, `{${second}}`].map(
      (id): [Person, string] => [person, id],
    ),
    [own, deleted],
    [other, suspended],
  ]
  const answers = await Promise.all(cases.map(([{ token }, id]) => whoIs(server, token, { 'x-tenant-id': id })))
  for (const answer of answers) {
    expectError(answer, 'FORBIDDEN', 'NOT_A_MEMBER')
    expect(answer.errors[0]?.message).toBe('X-Tenant-Id names no organization of the user')
    expect(answer.status).toBe(403)
    expect(body(answer)).toBe(body(answers[0]!))
  }
})

test('X-Tenant-Id is no credential: without a token there is no principal, with a bad one there is an error', async () => {
  expectError(await whoIs(server, null, { 'x-tenant-id': second }), 'UNAUTHENTICATED', 'MISSING')
  expectError(await whoIs(server, 'x.y.z', { 'x-tenant-id': second }), 'UNAUTHENTICATED', 'MALFORMED')
})

test('X-Tenant-Id sees a changed role and an ended membership at once', async () => {
  const [own, other] = await givenTwoOrganizations()
  const headers = { 'x-tenant-id': other }
  await asOwner(server, `update memberships set role = 'DEVELOPER' where user_id = ? and organization_id = ?`, [
    own.userId,
    other,
  ])
  expect((await whoIs(server, own.token, headers)).data.principal.role).toBe('DEVELOPER')
  await asOwner(server, 'delete from memberships where user_id = ? and organization_id = ?', [own.userId, other])
  expectError(await whoIs(server, own.token, headers), 'FORBIDDEN', 'NOT_A_MEMBER')
})

test.each(['Bearer', 'Bearer ', 'Basic YTpi', 'bearer a b', 'Token x', 'Bearer rt_x'])(
  'the credential %j is refused, never taken for none',
  async (authorization) => {
    const answer = await whoIs(server, null, { authorization })
    expectError(answer, 'UNAUTHENTICATED', 'MALFORMED')
    expect(answer.headers.get('www-authenticate')).toContain('Bearer')
  },
)
