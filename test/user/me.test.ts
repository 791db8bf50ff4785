import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenMember, givenPerson, startServer, type TestServer } from '../harness.ts'
import { asOwner, givenLogin } from '../session/given-sessions.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const ME = '{ me { id email isActive isOperator createdAt lastLoginAt memberships { role organization { id name } } } }'
const PRINCIPAL = `query ($scopes: [Scope!]!) {
  principal { kind subject role scopes organization { id } can(scopes: $scopes) }
}`

test('me is who the token says', async () => {
  const person = await givenPerson(server, 'Mine')
  const answer = await server.send(ME, { token: person.token })
  expect(answer.errors).toEqual([])
  expect(answer.data.me).toMatchObject({
    id: person.userId,
    email: person.email,
    isActive: true,
    isOperator: false,
    memberships: [{ role: 'ADMIN', organization: { id: person.organizationId, name: 'Mine' } }],
  })
})

test('me is nobody without a token, and the account has to be there', async () => {
  expectError(await server.send(ME), 'UNAUTHENTICATED', 'MISSING')
  const person = await givenPerson(server, null)
  await asOwner(server, 'update users set deleted_at = now() where id = ?', [person.userId])
  expectError(await server.send(ME, { token: person.token }), 'UNAUTHENTICATED', 'REVOKED')
})

test('memberships tell of every organization that is not deleted', async () => {
  const first = await givenPerson(server)
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'DEVELOPER')
  const query = 'mutation ($name: String!) { createOrganization(input: { name: $name }) { organization { id } } }'
  const made = await server.send(query, { token: member.token, variables: { name: 'Second' } })
  const second = made.data.createOrganization.organization.id as string
  const mine = async () =>
    (await server.send('{ me { memberships { role organization { id } } } }', { token: member.token })).data.me
      .memberships
  expect(await mine()).toEqual([
    { role: 'DEVELOPER', organization: { id: admin.organizationId } },
    { role: 'ADMIN', organization: { id: second } },
  ])
  await asOwner(server, 'update organizations set deleted_at = now() where id = ?', [second])
  expect(await mine()).toEqual([{ role: 'DEVELOPER', organization: { id: admin.organizationId } }])
  expect(first.organizationId).not.toBe(admin.organizationId)
})

test.each([
  ['[{ a: "b" }]', [{ a: 'b' }]],
  ['[[["read:projects"]]]', [[['read:projects']]]],
  ['[7]', [7]],
  ['[true]', [true]],
  ['[null]', [null]],
  ['[read]', [{}]],
])('what is no text is no scope: %s', async (literal, scopes) => {
  const { token } = await givenPerson(server)
  const inDocument = await server.send(`{ principal { can(scopes: ${literal}) } }`, { token })
  expectError(inDocument, 'GRAPHQL_VALIDATION_FAILED')
  expectError(await server.send(PRINCIPAL, { token, variables: { scopes } }), 'BAD_USER_INPUT')
})

test.each([
  ['VIEWER', ['read:*'], true, false],
  ['DEVELOPER', ['read:*', 'write:gateways', 'write:projects'], true, true],
  ['ADMIN', ['*:*'], true, true],
] as const)('the principal of a %s tells what it may', async (role, scopes, reads, writes) => {
  const admin = await givenPerson(server)
  const { token, userId } = await givenMember(server, admin, role)
  const ask = async (asked: string[]) => {
    const answer = await server.send(PRINCIPAL, { token, variables: { scopes: asked } })
    expect(answer.errors).toEqual([])
    return answer.data.principal
  }
  const principal = await ask(['read:projects'])
  expect({ ...principal, scopes: [...principal.scopes].sort() }).toEqual({
    kind: 'USER',
    subject: userId,
    role,
    scopes,
    organization: { id: admin.organizationId },
    can: reads,
  })
  expect((await ask(['read:projects', 'write:projects'])).can).toBe(writes)
  expect((await ask([])).can).toBe(true)
})

test('a user without an organization holds no role and no scope', async () => {
  const { token, userId } = await givenPerson(server, null)
  const answer = await server.send(PRINCIPAL, { token, variables: { scopes: ['read:projects'] } })
  expect(answer.errors).toEqual([])
  expect(answer.data.principal).toEqual({
    kind: 'USER',
    subject: userId,
    role: null,
    scopes: [],
    organization: null,
    can: false,
  })
})

test('an operator is told as one, and has no role by that alone', async () => {
  const person = await givenPerson(server, null)
  await asOwner(server, 'update users set is_superuser = true where id = ?', [person.userId])
  const { token } = await givenLogin(server, person)
  const answer = await server.send(PRINCIPAL, { token, variables: { scopes: ['read:projects'] } })
  expect(answer.data.principal).toMatchObject({
    kind: 'OPERATOR',
    role: null,
    scopes: [],
    organization: null,
    can: false,
  })
  expect((await server.send('{ me { isOperator } }', { token })).data.me).toEqual({ isOperator: true })
})
