import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { givenApiKey, PROJECTS } from '../api-key/given-api-key.ts'
import { createDatabase, expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { givenProvider, givenRegistration, onThisMachine } from '../issuer/given-registration.ts'
import { givenIssuer, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { givenLogin, stateOf } from '../session/given-sessions.ts'
import { exchange, givenKeyToken, givenRevoked, stateTold, tokenIn } from './given-grants.ts'

let database: { url: string; drop: () => Promise<void> }
let issuer: Issuer
let server: TestServer
let admin: Person

beforeAll(async () => {
  issuer = await givenIssuer()
  database = await createDatabase()
})
afterAll(async () => {
  await database.drop()
  await issuer.close()
})
beforeEach(async () => {
  server = await startedWith({ maxScopes: ['read:*', 'write:projects'] })
  admin = await givenPerson(server)
})
afterEach(() => server.close())

/** An instance that trusts the issuer with this, or with nothing. */
const startedWith = (trust: Record<string, unknown> | null) =>
  startServer({ databaseUrl: database.url, settings: { ...onThisMachine, ...(trust && trusting([issuer, trust])) } })

/** Ends the instance and starts another on what it has left behind. */
async function restart(trust: Record<string, unknown> | null): Promise<void> {
  await server.close()
  server = await startedWith(trust)
}

const exchanged = async () => {
  const subject = issuer.token({ organization: admin.organizationId, scope: 'api:read api:write' })
  return tokenIn(await exchange(server, subject))
}
const scopesOf = async (token: string) =>
  (await server.send('{ principal { scopes } }', { token })).data.principal.scopes

test('a token that was revoked stays revoked, and others are accepted as before', async () => {
  const key = await givenApiKey(server, admin)
  const [user, other] = [await givenLogin(server, admin), await givenLogin(server, admin)]
  const [ofKey, ofIssuer] = [await givenKeyToken(server, key), await exchanged()]
  const lasting = [await givenKeyToken(server, key), await exchanged(), admin.token]
  await givenRevoked(server, user.token)
  await givenRevoked(server, other.refreshToken)
  await givenRevoked(server, ofKey, key)
  await givenRevoked(server, ofIssuer)
  await restart({})
  for (const token of [user.token, other.token, ofKey, ofIssuer]) {
    expect(await stateOf(server, token)).toBe('REVOKED')
    expect(await stateTold(server, key, token)).toEqual({ active: false })
  }
  for (const token of lasting) expect(await stateOf(server, token)).toBe('ok')
})

test('an issuer that is trusted with less leaves its exchanged tokens less', async () => {
  const key = await givenApiKey(server, admin)
  const token = await exchanged()
  expect(await scopesOf(token)).toEqual(['read:*', 'write:projects'])
  await restart({ maxScopes: ['read:projects'] })
  expect(await scopesOf(token)).toEqual(['read:projects'])
  expect(await stateTold(server, key, token)).toMatchObject({ active: true, scope: 'read:projects' })
  expectError(await server.send('{ gateways { totalCount } }', { token }), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
})

test('an issuer that is trusted with more leaves its exchanged tokens as they are', async () => {
  const token = await exchanged()
  await restart({ maxScopes: ['*:*'] })
  expect(await scopesOf(token)).toEqual(['read:*', 'write:projects'])
})

test('an issuer that is trusted no more takes its exchanged tokens with it', async () => {
  const key = await givenApiKey(server, admin)
  const token = await exchanged()
  await restart(null)
  const answer = await server.send(PROJECTS, { token })
  expect(answer.status).toBe(401)
  expectError(answer, 'UNAUTHENTICATED', 'REVOKED')
  expect(await stateTold(server, key, token)).toEqual({ active: false })
})

test('an issuer that may speak for another organization alone speaks for the first one no more', async () => {
  const token = await exchanged()
  const other = await givenPerson(server, 'Rivals')
  await restart({ organization: other.organizationId })
  expectError(await server.send(PROJECTS, { token }), 'FORBIDDEN', 'UNKNOWN_ORGANIZATION')
})

test('the token of an issuer that an organization has registered is accepted by who has not heard of that issuer yet', async () => {
  const provider = await givenProvider()
  try {
    await givenRegistration(server, admin, provider.issuer)
    const headers = { 'x-tenant-id': admin.organizationId }
    const token = tokenIn(await exchange(server, provider.token(), {}, headers))
    await restart({})
    expect((await server.send(PROJECTS, { token })).errors).toEqual([])
  } finally {
    await provider.close()
  }
})
