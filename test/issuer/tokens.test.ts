import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createIssuers, type TrustedIssuer } from '../../src/principal/external/trusted-issuer.ts'
import { expectError, givenPerson, givenProject, startServer, type Person, type TestServer } from '../harness.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { givenKeyPair } from '../principal/external/given-issuer.ts'
import {
  askAs,
  DISABLE,
  givenProvider,
  givenRegistration,
  good,
  LIST,
  onThisMachine,
  REGISTER,
  type Provider,
} from './given-registration.ts'

let server: TestServer
let provider: Provider
let acme: Person
let other: Person

beforeAll(async () => {
  server = await startServer({ settings: onThisMachine })
  provider = await givenProvider()
  acme = await givenPerson(server, 'Acme')
  other = await givenPerson(server, 'Other')
  await givenRegistration(server, acme, provider.issuer)
})
afterAll(async () => {
  await provider.close()
  await server.close()
})

test('a token of a registered issuer speaks for its organization, within what the issuer is trusted with', async () => {
  const person = await givenPerson(server)
  const projectId = await givenProject(server, person)
  await givenRegistration(server, person, provider.issuer, {
    jwksUri: provider.jwksUri,
    scopeClaim: 'scp',
    scopeMap: [
      { scope: 'all', grants: ['*:*'] },
      { scope: 'api:read', grants: ['read:gateways'] },
    ],
    maxScopes: ['read:projects'],
  })
  const token = provider.token({ scp: ['all', 'unknown'] })
  const { errors, data } = await askAs(server, token, person.organizationId.toUpperCase())
  expect(errors).toEqual([])
  expect(data.principal).toEqual({
    kind: 'EXTERNAL',
    subject: `${provider.issuer}#${person.organizationId}#somebody`,
    role: null,
    scopes: ['read:projects'],
    organization: { id: person.organizationId },
  })
  const read = await askAs(server, token, person.organizationId, '{ projects { nodes { id } } }')
  expect(read.data.projects.nodes).toEqual([{ id: projectId }])
  const denied = await askAs(
    server,
    token,
    person.organizationId,
    `mutation { deleteProject(input: { id: "${projectId}" }) { project { id } } }`,
  )
  expectError(denied, 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expect(
    (await askAs(server, provider.token({ scp: 'api:read' }), person.organizationId)).data.principal.scopes,
  ).toEqual([])
})

test('it is a token of nobody without X-Tenant-Id, and for every other organization', async () => {
  const token = provider.token()
  expect((await askAs(server, token, acme.organizationId)).errors).toEqual([])
  for (const organizationId of [null, other.organizationId, randomUUID(), 'no id']) {
    const answer = await askAs(server, token, organizationId)
    expect(answer.status).toBe(401)
    expectError(answer, 'UNAUTHENTICATED', 'INVALID')
  }
})

test('it need not name the organization, and must not name another', async () => {
  const as = (organization: unknown) => askAs(server, provider.token({ organization }), acme.organizationId)
  for (const own of [undefined, acme.organizationId, acme.organizationId.toUpperCase(), acme.organizationSlug])
    expect((await as(own)).errors).toEqual([])
  // What issuers mean by this claim, some by a list of groups, is not ours to say.
  for (const none of [null, 7, ['a group']]) expect((await as(none)).errors).toEqual([])
  for (const named of [other.organizationId, other.organizationSlug, randomUUID(), 'Acme Inc.', '']) {
    const answer = await as(named)
    expect(answer.status).toBe(403)
    expectError(answer, 'FORBIDDEN', 'UNKNOWN_ORGANIZATION')
  }
})

test('of two organizations with one issuer, neither takes or makes tokens for the other', async () => {
  const thief = await givenPerson(server, 'Thief')
  const stolen = await givenProvider()
  try {
    // The same `iss`, with keys of the thief's own.
    await givenRegistration(server, thief, provider.issuer, { jwksUri: stolen.jwksUri })
    const forged = provider.token({}, stolen.keys[0])
    expect((await askAs(server, forged, thief.organizationId)).errors).toEqual([])
    expectError(await askAs(server, forged, acme.organizationId), 'UNAUTHENTICATED', 'INVALID')
    expectError(await askAs(server, forged, null), 'UNAUTHENTICATED', 'INVALID')
    expect((await askAs(server, provider.token(), acme.organizationId)).errors).toEqual([])
    expectError(await askAs(server, provider.token(), thief.organizationId), 'UNAUTHENTICATED', 'INVALID')
  } finally {
    await stolen.close()
  }
})

test('of two organizations with one issuer, neither uses up the limits of the other', async () => {
  const limited = await startServer({ settings: { ...onThisMachine, RATE_LIMIT_USER_PER_MINUTE: '3' } })
  try {
    const [one, two] = [await givenPerson(limited), await givenPerson(limited)]
    for (const person of [one, two]) await givenRegistration(limited, person, provider.issuer)
    const ask = (person: Person) => askAs(limited, provider.token(), person.organizationId)
    for (let time = 1; time <= 3; time += 1) expect((await ask(one)).errors).toEqual([])
    expectError(await ask(one), 'RATE_LIMITED')
    expect((await ask(two)).errors).toEqual([])
  } finally {
    await limited.close()
  }
})

test.each<[string, () => string]>([
  ['another audience', () => provider.token({ aud: 'another' })],
  ['no audience', () => provider.token({ aud: undefined })],
  ['an algorithm that is not registered', () => provider.token({}, givenKeyPair('first', 'RS256'))],
  ['a key that is not published', () => provider.token({}, givenKeyPair('first', 'ES256'))],
  ['a time that has passed', () => provider.token({ iat: 1, exp: 2 })],
  ['another spelling of the issuer', () => provider.token({ iss: `${provider.issuer}/` })],
  ['an issuer that no column holds', () => provider.token({ iss: `${provider.issuer}\0` })],
])('a token with %s is refused', async (_, token) => {
  const answer = await askAs(server, token(), acme.organizationId)
  expect(answer.status).toBe(401)
  expectError(answer, 'UNAUTHENTICATED')
})

test('a disabled issuer is one that nobody trusts, from the next request on, until it is registered again', async () => {
  const person = await givenPerson(server)
  const { id } = await givenRegistration(server, person, provider.issuer)
  const token = provider.token()
  expect((await askAs(server, token, person.organizationId)).errors).toEqual([])
  await server.send(DISABLE, { token: person.token, variables: { input: { id } } })
  expectError(await askAs(server, token, person.organizationId), 'UNAUTHENTICATED', 'INVALID')
  expect((await askAs(server, token, acme.organizationId)).errors).toEqual([])
  await givenRegistration(server, person, provider.issuer)
  expect((await askAs(server, token, person.organizationId)).errors).toEqual([])
})

test('it ends with its organization', async () => {
  const person = await givenPerson(server)
  await givenRegistration(server, person, provider.issuer)
  const ask = () => askAs(server, provider.token(), person.organizationId)
  expect((await ask()).errors).toEqual([])
  await operate(server, await givenOperator(server), 'suspend', person.organizationId)
  expectError(await ask(), 'FORBIDDEN', 'ORGANIZATION_SUSPENDED')
})

test('its bearer manages no issuers, whatever the scopes', async () => {
  const person = await givenPerson(server)
  const { id } = await givenRegistration(server, person, provider.issuer, {
    maxScopes: ['*:*'],
    scopeMap: [{ scope: 'all', grants: ['*:*'] }],
  })
  const headers = { 'x-tenant-id': person.organizationId }
  for (const [query, input] of [[LIST], [REGISTER, good], [DISABLE, { id }]] as const) {
    const token = provider.token({ scope: 'all' })
    expectError(await server.send(query, { token, headers, variables: { input } }), 'FORBIDDEN', 'INSUFFICIENT_ROLE')
  }
})

test("an issuer that the server trusts of its own is never an organization's, whenever that registered it", () => {
  const [ours, theirs] = ['configuration', 'organization'].map((source) => ({ source }) as TrustedIssuer)
  const issuers = createIssuers({
    ownIssuer: 'own',
    configured: [{ ...ours!, issuer: 'configured' }],
    registered: { find: async () => theirs!, held: () => theirs! },
  })
  expect(issuers.find('configured', acme.organizationId)).toMatchObject(ours!)
  expect(issuers.held('configured', acme.organizationId)).toMatchObject(ours!)
  expect(issuers.find('own', acme.organizationId)).toBeNull()
  expect(issuers.held('own', acme.organizationId)).toBeNull()
  expect(issuers.find('another', acme.organizationId)).toBe(theirs)
  expect(issuers.find('another')).toBeNull()
})

test('where no organization can register any, there are the issuers of the server alone', () => {
  const issuers = createIssuers({ ownIssuer: 'own', configured: [{ issuer: 'configured' } as TrustedIssuer] })
  for (const ask of [issuers.find, issuers.held]) {
    expect(ask('configured', acme.organizationId)).toEqual({ issuer: 'configured' })
    expect(ask('another', acme.organizationId)).toBeNull()
  }
})
