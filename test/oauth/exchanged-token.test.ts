import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { identifyByExchangedToken } from '../../src/principal/external/exchanged-token.ts'
import { requestLimits } from '../../src/principal/request-limits.ts'
import { PROJECTS } from '../api-key/given-api-key.ts'
import { expectError, givenPerson, type Person, type TestServer } from '../harness.ts'
import {
  DISABLE,
  givenProvider,
  givenRegistration,
  onThisMachine,
  type Provider,
} from '../issuer/given-registration.ts'
import { givenIssuer, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { claimsOf } from '../session/given-sessions.ts'
import { exchange, tokenIn } from './given-grants.ts'
import { givenOAuthServer } from './given-oauth.ts'

let server: TestServer
let issuer: Issuer
let provider: Provider
let ada: Person

beforeAll(async () => {
  ;[issuer, provider] = [await givenIssuer(), await givenProvider()]
  server = await givenOAuthServer({ ...trusting([issuer]), ...onThisMachine })
  ada = await givenPerson(server, 'Acme')
})
afterAll(async () => {
  await server.close()
  await Promise.all([issuer.close(), provider.close()])
})

const exchanged = async (claims: Record<string, unknown> = {}) =>
  tokenIn(await exchange(server, issuer.token({ organization: ada.organizationId, ...claims })))

test('of what an issuer tells of its user, the token says the first hundred characters, and none by half', async () => {
  const runner = '\u{1f3c3}'
  const told = {
    given_name: runner.repeat(101),
    family_name: `${'a'.repeat(99)}${runner}b`,
    preferred_username: 'u'.repeat(100),
  }
  expect(claimsOf(await exchanged(told))).toMatchObject({
    given_name: runner.repeat(100),
    family_name: `${'a'.repeat(99)}${runner}`,
    preferred_username: told.preferred_username,
    email: null,
  })
})

test('its bearer is an external user to every rule, and has no role', async () => {
  const { services } = server.app
  const request = { requestId: 'of a test', headers: {}, ipAddress: '192.0.2.1', userAgent: null }
  const claims = services.accessTokens.verify(await exchanged())
  if (claims.kind !== 'EXTERNAL') throw new Error('It says that it is of somebody else')
  const { powers } = await identifyByExchangedToken(services, request, claims, requestLimits(services, request))
  expect([...powers.kinds]).toEqual(['EXTERNAL'])
  expect(powers.role).toBeNull()
})

test('who comes with the token of an issuer that is no longer trusted is told so', async () => {
  const person = await givenPerson(server)
  const headers = { 'x-tenant-id': person.organizationId }
  const { id } = await givenRegistration(server, person, provider.issuer)
  const token = tokenIn(await exchange(server, provider.token(), {}, headers))
  await server.send(DISABLE, { token: person.token, variables: { input: { id } } })
  const { status, errors } = await server.send(PROJECTS, { token })
  expect(status).toBe(401)
  expect(errors[0]?.message).toBe('The issuer of the token that was exchanged is no longer trusted')
})

test('where an address has used up its look-ups, tokens of issuers that are held are still accepted', async () => {
  const limits = { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '6' }
  const limited = await givenOAuthServer({ ...trusting([issuer]), ...onThisMachine, ...limits })
  try {
    const person = await givenPerson(limited)
    await givenRegistration(limited, person, provider.issuer)
    const headers = { 'x-tenant-id': person.organizationId }
    const tokens = [
      tokenIn(await exchange(limited, issuer.token({ organization: person.organizationId }))),
      tokenIn(await exchange(limited, provider.token(), {}, headers)),
    ]
    const withKey = () => limited.send(PROJECTS, { headers: { 'x-api-key': newApiKeySecret('test') } })
    for (let time = 0; time < 6; time += 1) await withKey()
    expectError(await withKey(), 'RATE_LIMITED')
    for (const token of tokens) expect((await limited.send(PROJECTS, { token })).errors).toEqual([])
  } finally {
    await limited.close()
  }
})
