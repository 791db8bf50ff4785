import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createContext } from '../../src/context.ts'
import { identify } from '../../src/principal/identify.ts'
import { requireOrganization, requirePrincipal, requireUser } from '../../src/principal/require-principal.ts'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'

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
const bearer = ({ token }: Person) => ({ authorization: `Bearer ${token}` })

const asked = { requirePrincipal, requireUser, requireOrganization }
const missing = { code: 'UNAUTHENTICATED', reason: 'MISSING' }

test('a signed-in user is all three', async () => {
  const ctx = await contextOf(bearer(ada))
  expect(requirePrincipal(ctx)).toBe(ctx.principal)
  expect(requireUser(ctx)).toMatchObject({ userId: ada.userId, email: ada.email, role: 'ADMIN' })
  expect(requireOrganization(ctx)).toBe(ada.organizationId)
})

test('an API key has an organization and is no user', async () => {
  const { id, secret } = await givenApiKey(server, ada)
  const ctx = await contextOf({ 'x-api-key': secret })
  expect(requirePrincipal(ctx)).toMatchObject({ kind: 'API_KEY', subject: id })
  expect(requireOrganization(ctx)).toBe(ada.organizationId)
  expect(() => requireUser(ctx)).toThrow(expect.objectContaining({ extensions: missing }))
})

test('a user without an organization has none to act for', async () => {
  const ctx = await contextOf(bearer(nobodys))
  const none = expect.objectContaining({
    code: 'FORBIDDEN',
    extensions: expect.objectContaining({ reason: 'NO_ORGANIZATION' }),
  })
  expect(() => requireOrganization(ctx)).toThrow(none)
})

test.each(Object.entries(asked))('%s refuses an anonymous caller', async (_, require) => {
  const ctx = await contextOf({})
  expect(() => require(ctx)).toThrow(expect.objectContaining({ extensions: missing }))
})
