import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makePowers } from '../../src/access/powers.ts'
import { createContext } from '../../src/context.ts'
import { identify } from '../../src/principal/identify.ts'
import { requireOrganization, requirePrincipal, requireUser } from '../../src/principal/require-principal.ts'
import { withoutOrganization } from '../../src/principal/user-principal.ts'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { givenOperator } from '../platform/given-operator.ts'

let server: TestServer
let ada: Person
let nobodys: Person

beforeAll(async () => {
  server = await startServer()
  ada = await givenPerson(server)
  nobodys = await givenPerson(server, null)
})
afterAll(() => server?.close())

/** The context of a request with these headers. */
async function contextOf(headers: Record<string, string>) {
  const { services } = server.app
  const request = { requestId: 'a-request', headers, ipAddress: '127.0.0.1', userAgent: null }
  return createContext(services, request, await identify(services, request))
}
const bearer = ({ token }: Pick<Person, 'token'>) => ({ authorization: `Bearer ${token}` })

const missing = { code: 'UNAUTHENTICATED', reason: 'MISSING' }
const refusal = (message: string) => expect.objectContaining({ message, extensions: missing })

test('a signed-in user is all three', async () => {
  const ctx = await contextOf(bearer(ada))
  expect(requirePrincipal(ctx)).toBe(ctx.principal)
  expect(requireUser(ctx)).toMatchObject({ userId: ada.userId, email: ada.email, role: 'ADMIN' })
  expect(requireOrganization(ctx)).toBe(ada.organizationId)
})

test('an operator is a user', async () => {
  const operator = await givenOperator(server)
  const ctx = await contextOf(bearer(operator))
  expect(requireUser(ctx)).toMatchObject({ kind: 'OPERATOR', userId: operator.userId })
})

test('a user whose organization is not reached has nothing of it', async () => {
  const user = requireUser(await contextOf(bearer(ada)))
  const { scopes } = server.app.services
  expect(withoutOrganization(scopes, user)).toEqual({
    ...user,
    organizationId: null,
    membershipId: null,
    role: null,
    scopes: [],
    powers: makePowers('USER', null, [], scopes),
  })
})

test('an API key has an organization and is no user', async () => {
  const { id, secret } = await givenApiKey(server, ada)
  const ctx = await contextOf({ 'x-api-key': secret })
  expect(requirePrincipal(ctx)).toMatchObject({ kind: 'API_KEY', subject: id })
  expect(requireOrganization(ctx)).toBe(ada.organizationId)
  expect(() => requireUser(ctx)).toThrow(refusal('A signed-in user is required'))
})

test('a user without an organization has none to act for', async () => {
  const ctx = await contextOf(bearer(nobodys))
  expect(requireUser(ctx).scopes).toEqual([])
  const none = expect.objectContaining({
    code: 'FORBIDDEN',
    extensions: expect.objectContaining({ reason: 'NO_ORGANIZATION' }),
  })
  expect(() => requireOrganization(ctx)).toThrow(none)
})

test.each([
  ['requirePrincipal', requirePrincipal, 'A credential is required'],
  ['requireUser', requireUser, 'A signed-in user is required'],
  ['requireOrganization', requireOrganization, 'A credential is required'],
])('%s refuses an anonymous caller', async (_, require, message) => {
  const ctx = await contextOf({})
  expect(() => require(ctx)).toThrow(refusal(message))
})
