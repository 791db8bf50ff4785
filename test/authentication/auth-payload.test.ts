import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  expectError,
  givenMember,
  givenPerson,
  PASSWORD,
  startServer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { asOwner } from '../session/given-sessions.ts'

let server: TestServer
let admin: Person
let viewer: Person
let stranger: Person
beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server, 'Payload')
  viewer = await givenMember(server, admin, 'VIEWER')
  stranger = await givenPerson(server, 'Stranger')
})
afterAll(() => server.close())

const loginOf = ({ email }: Person, selection: string) =>
  `login(input: { email: "${email}", password: "${PASSWORD}" }) { ${selection} }`
const CREATE = 'createProject(input: { name: "made" }) { project { id name } }'
const countOf = async (table: string) =>
  (await asOwner<{ n: number }>(server, `select count(*)::int as n from ${table}`))[0]?.n

test('what is selected under a sign-in is authorized as who has just signed in', async () => {
  const selection = 'user { email memberships { role } sessions { isCurrent } } organization { members { totalCount } }'
  const answer = await server.send(`mutation { a: ${loginOf(admin, selection)} b: ${loginOf(stranger, selection)} }`)
  expect(answer.errors).toEqual([])
  const { a, b } = answer.data
  expect(a.organization.members.totalCount).toBe(2)
  expect(b.organization.members.totalCount).toBe(1)
  expect(a.user).toMatchObject({ email: admin.email, memberships: [{ role: 'ADMIN' }] })
  expect(b.user).toMatchObject({ email: stranger.email, memberships: [{ role: 'ADMIN' }] })
  for (const { user } of [a, b]) {
    expect(user.sessions.filter((session: { isCurrent: boolean }) => session.isCurrent).length).toBe(1)
  }
})

test('it is so for a caller who is signed in as somebody else', async () => {
  const query = `mutation { ${loginOf(stranger, 'organization { id members { totalCount } } user { id }')} }`
  const answer = await server.send(query, { token: admin.token })
  expect(answer.errors).toEqual([])
  expect(answer.data.login.organization).toEqual({ id: stranger.organizationId, members: { totalCount: 1 } })
})

test('register, refresh and switchOrganization answer as the new principal too', async () => {
  const selection = 'organization { slug members { totalCount } } user { memberships { role } }'
  const registered = await server.send(
    `mutation { register(input: { email: "payload@example.test", password: "${PASSWORD}", organizationName: "Fresh" }) {
      refreshToken ${selection} } }`,
    { token: stranger.token },
  )
  expect(registered.errors).toEqual([])
  expect(registered.data.register).toMatchObject({ organization: { slug: 'fresh', members: { totalCount: 1 } } })
  const refreshed = await server.send(
    `mutation { refresh(input: { refreshToken: "${registered.data.register.refreshToken}" }) { ${selection} } }`,
    { token: stranger.token },
  )
  expect(refreshed.errors).toEqual([])
  expect(refreshed.data.refresh).toMatchObject({
    organization: { slug: 'fresh' },
    user: { memberships: [{ role: 'ADMIN' }] },
  })
})

test("the caller's own rights decide the rest of the mutation, whoever signs in before it", async () => {
  const answer = await server.send(
    `mutation { a: ${loginOf(viewer, 'accessToken')} one: ${CREATE} b: ${loginOf(stranger, 'accessToken')} two: ${CREATE} }`,
    { token: admin.token },
  )
  expect(answer.errors).toEqual([])
  const ids = [answer.data.one.project.id, answer.data.two.project.id]
  const rows = await asOwner(server, 'select distinct organization_id from projects where id in (?, ?)', ids)
  expect(rows).toEqual([{ organization_id: admin.organizationId }])
})

test('a sign-in lends its rights to nothing beside it: everything is refused, and nobody is signed in', async () => {
  const before = [await countOf('sessions'), await countOf('projects')]
  const query = `mutation { ${loginOf(admin, 'accessToken')} ${CREATE} }`
  const anonymous = await server.send(query)
  expectError(anonymous, 'UNAUTHENTICATED', 'MISSING')
  expect(anonymous.data).toBeUndefined()
  const weaker = await server.send(query, { token: viewer.token })
  expectError(weaker, 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expect(weaker.data).toBeUndefined()
  expect([await countOf('sessions'), await countOf('projects')]).toEqual(before)
})

test('what the new principal may not see is refused under the payload, however much the caller may', async () => {
  const home = await givenPerson(server, 'Home')
  const member = await givenMember(server, home, 'VIEWER')
  const { secret } = await givenApiKey(server, home)
  const required = await server.send(
    'mutation { updateOrganization(input: { requiresTenantApiKey: true }) { organization { id } } }',
    { token: home.token },
  )
  expect(required.errors).toEqual([])
  const calling = {
    token: home.token,
    headers: { 'x-tenant-id': home.organizationId, 'x-tenant-api-key': secret },
  }
  const members = 'organization { id members { totalCount } }'
  const own = await server.send(`{ ${members} }`, calling)
  expect(own.data).toEqual({ organization: { id: home.organizationId, members: { totalCount: 2 } } })
  const answer = await server.send(`mutation { ${loginOf(member, `user { isOperator } ${members}`)} }`, calling)
  expectError(answer, 'FORBIDDEN')
  expect(answer.errors[0]?.path).toEqual(['login', 'organization', 'members'])
  expect(answer.data).toEqual({
    login: { user: { isOperator: false }, organization: { id: home.organizationId, members: null } },
  })
})

test('a sign-in that fails ends the operation before what stands after it', async () => {
  const before = await countOf('projects')
  const wrong = `login(input: { email: "${viewer.email}", password: "another password 7" }) { accessToken }`
  expectError(await server.send(`mutation { ${wrong} ${CREATE} }`, { token: admin.token }), 'UNAUTHENTICATED')
  expect(await countOf('projects')).toBe(before)
})
