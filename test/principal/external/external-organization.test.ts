import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { expectError, givenMember, givenPerson, startServer, type Person, type TestServer } from '../../harness.ts'
import { countStatements, eventsOf, givenOperator, operate, type Operator } from '../../platform/given-operator.ts'
import { mayActFor } from '../../../src/principal/external/external-caller.ts'
import { givenIssuer, trusting, type Issuer } from './given-issuer.ts'
import { trustedBySettings } from './given-settings.ts'

let server: TestServer
let operator: Operator
let byId: Issuer
let bySlug: Issuer
let byExternalId: Issuer
let acmeAlone: Issuer
let ada: Person
let bob: Person

beforeAll(async () => {
  const issuers = [givenIssuer(), givenIssuer(), givenIssuer(), givenIssuer()] as const
  ;[byId, bySlug, byExternalId, acmeAlone] = await Promise.all(issuers)
  const settings = trusting(
    [byId],
    [bySlug, { organizationBy: 'slug', organizationClaim: 'org' }],
    [byExternalId, { organizationBy: 'externalId' }],
    [acmeAlone, { organization: 'acme' }],
  )
  server = await startServer({ settings })
  operator = await givenOperator(server)
  ;[ada, bob] = [await givenPerson(server, 'Acme'), await givenPerson(server, 'Rivals')]
})
afterAll(async () => {
  await Promise.all([server, byId, bySlug, byExternalId, acmeAlone].map((one) => one.close()))
})

const read = (token: string, headers: Record<string, string> = {}) =>
  server.send('{ organization { id } projects { totalCount } }', { token, headers })
const expectReads = async (token: string, { organizationId }: Person, headers: Record<string, string> = {}) => {
  const answer = await read(token, headers)
  expect(answer.errors).toEqual([])
  expect(answer.data.organization.id).toBe(organizationId)
}
const tokenFor = (organization: unknown, issuer = byId) => issuer.token({ organization })
const setExternalId = (id: string, externalId: string | null) =>
  server.send(
    `mutation ($input: SetOrganizationExternalIdInput!) {
      setOrganizationExternalId(input: $input) { organization { id externalId } }
    }`,
    { token: operator.token, variables: { input: { id, externalId } } },
  )
/** The answer to an organization that there is none of. */
const expectUnknown = async (token: string) => {
  const answer = await read(token)
  expect(answer.status).toBe(403)
  expectError(answer, 'FORBIDDEN', 'UNKNOWN_ORGANIZATION')
  expect(answer.errors[0]?.message).toBe('The token names no organization that its issuer may speak for')
  const unknown = await read(tokenFor('0198f1c0-0000-7000-8000-000000000000'))
  expect(answer.errors).toEqual(unknown.errors)
}

test('the organization is named by its id, its slug or its external id, as the issuer does it', async () => {
  await expectReads(tokenFor(ada.organizationId), ada)
  await expectReads(tokenFor(ada.organizationId.toUpperCase()), ada)
  await expectReads(bySlug.token({ org: bob.organizationSlug }), bob)
  await expectUnknown(tokenFor(ada.organizationSlug))
  await expectUnknown(bySlug.token({ org: bob.organizationId }))
})

test.each([undefined, null, '', 7, ['acme'], { id: 'acme' }])(
  'a token that names none is refused: %j',
  async (named) => {
    for (const [token, claim] of [
      [tokenFor(named), 'organization'],
      [bySlug.token({ org: named, organization: 'acme' }), 'org'],
    ] as const) {
      const answer = await read(token)
      expect(answer.status).toBe(401)
      expectError(answer, 'UNAUTHENTICATED', 'INVALID')
      expect(answer.errors[0]?.message).toBe(`Token missing required '${claim}' claim`)
    }
  },
)

test.each(['unknown', 'a\0b', '\ud800', "' or 1=1 --", '__proto__', 'x'.repeat(256)])(
  'an organization that there is none of is refused: %j',
  async (named) => {
    await expectUnknown(tokenFor(named))
    await expectUnknown(bySlug.token({ org: named }))
    await expectUnknown(tokenFor(named, byExternalId))
  },
)

test('an issuer that speaks for one organization speaks for no other', async () => {
  await expectReads(tokenFor(ada.organizationId, acmeAlone), ada)
  await expectUnknown(tokenFor(bob.organizationId, acmeAlone))
})

test('the one that an issuer speaks for is named by its id, however that is spelled, or by its slug', () => {
  const acme = { id: ada.organizationId, slug: 'acme', suspendedAt: null, requiresTenantApiKey: false }
  const speaksFor = (organization: string | null) => mayActFor({ ...trustedBySettings({}), organization }, acme)
  for (const name of [null, acme.id, acme.id.toUpperCase(), 'acme']) expect(speaksFor(name)).toBe(true)
  for (const name of [bob.organizationId, 'ACME', 'rivals', '']) expect(speaksFor(name)).toBe(false)
})

test('an external id is set by an operator, in force on the next request, and recorded', async () => {
  await expectUnknown(tokenFor('customer-7', byExternalId))
  const set = await setExternalId(ada.organizationId, ' customer-7 ')
  expect(set.errors).toEqual([])
  expect(set.data.setOrganizationExternalId.organization).toEqual({ id: ada.organizationId, externalId: 'customer-7' })
  await expectReads(tokenFor('customer-7', byExternalId), ada)
  expect((await setExternalId(ada.organizationId, 'customer-8')).errors).toEqual([])
  await expectUnknown(tokenFor('customer-7', byExternalId))
  await expectReads(tokenFor('customer-8', byExternalId), ada)
  expectError(await setExternalId(bob.organizationId, 'customer-8'), 'CONFLICT', 'EXTERNAL_ID_TAKEN')
  expect((await setExternalId(ada.organizationId, 'customer-8')).errors).toEqual([])
  expect((await setExternalId(ada.organizationId, null)).errors).toEqual([])
  await expectUnknown(tokenFor('customer-8', byExternalId))
  expect((await setExternalId(bob.organizationId, 'customer-8')).errors).toEqual([])
  await expectReads(tokenFor('customer-8', byExternalId), bob)

  const events = await eventsOf(server, operator, { action: 'organization.external_id_set' })
  expect(events).toHaveLength(6)
  expect(events.filter(({ succeeded }) => !succeeded)).toEqual([
    expect.objectContaining({ targetId: bob.organizationId, actorKind: 'OPERATOR', actorId: operator.userId }),
  ])
})

test('an external id is nothing that members may set, or that is too long, or of nobody', async () => {
  const mutation = `mutation ($id: ID!) { setOrganizationExternalId(input: { id: $id, externalId: "mine" }) { organization { id } } }`
  const variables = { id: ada.organizationId }
  expectError(await server.send(mutation, { token: ada.token, variables }), 'FORBIDDEN', 'WRONG_KIND')
  expectError(await setExternalId(ada.organizationId, 'x'.repeat(256)), 'BAD_USER_INPUT')
  expectError(await setExternalId('nonsense', 'x'), 'NOT_FOUND')
})

test('a known organization costs no SQL, however it is named', async () => {
  expect((await setExternalId(ada.organizationId, 'customer-9')).errors).toEqual([])
  const tokens = [
    tokenFor(ada.organizationId),
    bySlug.token({ org: ada.organizationSlug }),
    tokenFor('customer-9', byExternalId),
  ]
  const key = await server.send(
    `mutation { createApiKey(input: { name: "a", service: "b", scopes: ["read:*"] }) { secret } }`,
    { token: ada.token },
  )
  const byKey = () =>
    server.send('{ projects { totalCount } }', { headers: { 'x-api-key': key.data.createApiKey.secret } })
  await byKey()
  const expected = await countStatements(server, byKey)
  for (const token of tokens) {
    const ask = () => server.send('{ projects { totalCount } }', { token })
    await ask()
    expect(await countStatements(server, ask)).toBe(expected)
  }
})

test('X-Tenant-Id is the organization of the token, or the request is refused', async () => {
  const token = tokenFor(ada.organizationId)
  await expectReads(token, ada, { 'x-tenant-id': ada.organizationId.toUpperCase() })
  for (const tenant of [bob.organizationId, 'nonsense', ada.organizationSlug]) {
    const answer = await read(token, { 'x-tenant-id': tenant })
    expectError(answer, 'FORBIDDEN', 'NOT_THE_TOKENS_ORGANIZATION')
    expect(answer.errors[0]?.message).toBe("X-Tenant-Id is not the token's organization")
  }
})

test('a token that says no issuer has none looked up, whatever organization it is sent for', async () => {
  const find = jest.spyOn(server.app.services.external.issuers, 'find')
  const answer = await read(byId.token({ iss: undefined }), { 'x-tenant-id': ada.organizationId })
  expectError(answer, 'UNAUTHENTICATED', 'INVALID')
  expect(find).not.toHaveBeenCalled()
  find.mockRestore()
})

test('an API key beside the token makes it ambiguous', async () => {
  expectError(await read(tokenFor(ada.organizationId), { 'x-api-key': 'tk_test_x' }), 'BAD_REQUEST', 'AMBIGUOUS')
})

test('where the organization demands a tenant API key, a token is not enough, and both may do what each may', async () => {
  const admin = await givenPerson(server, 'Demanding')
  const { organizationId } = admin
  const keyOf = async (person: Person, scopes: string[]) => {
    const made = await server.send('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }', {
      token: person.token,
      variables: { input: { name: 'a', service: 'b', scopes } },
    })
    expect(made.errors).toEqual([])
    return made.data.createApiKey.secret as string
  }
  const [wide, narrow, foreign] = [
    await keyOf(admin, ['read:*']),
    await keyOf(admin, ['read:gateways']),
    await keyOf(bob, ['read:*']),
  ]
  const token = tokenFor(organizationId)
  await expectReads(token, admin)
  const demanded = await server.send(
    'mutation { updateOrganization(input: { requiresTenantApiKey: true }) { organization { id } } }',
    {
      token: admin.token,
    },
  )
  expect(demanded.errors).toEqual([])

  const tenant = { 'x-tenant-id': organizationId }
  expectError(await read(token), 'FORBIDDEN', 'TENANT_API_KEY_REQUIRED')
  expectError(await read(token, tenant), 'FORBIDDEN', 'TENANT_API_KEY_REQUIRED')
  expectError(await read(token, { 'x-tenant-api-key': wide }), 'BAD_REQUEST', 'INCOMPLETE')
  expectError(await read(token, { ...tenant, 'x-tenant-api-key': foreign }), 'FORBIDDEN', 'NOT_THE_TENANTS_KEY')
  expectError(await read(token, { ...tenant, 'x-tenant-api-key': narrow }), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  await expectReads(token, admin, { ...tenant, 'x-tenant-api-key': wide })
  const scopes = await server.send('{ principal { scopes } }', {
    token,
    headers: { ...tenant, 'x-tenant-api-key': narrow },
  })
  expect(scopes.data.principal.scopes).toEqual(['read:gateways'])
})

test('a suspended organization is not spoken for until it is reinstated, a deleted one never again', async () => {
  const admin = await givenPerson(server, 'Closing')
  await givenMember(server, admin, 'VIEWER')
  const tokens = [tokenFor(admin.organizationId), bySlug.token({ org: 'closing' })]
  for (const token of tokens) await expectReads(token, admin)
  expect((await operate(server, operator, 'suspend', admin.organizationId)).errors).toEqual([])
  for (const token of tokens) {
    const answer = await read(token)
    expectError(answer, 'FORBIDDEN', 'ORGANIZATION_SUSPENDED')
    expect(answer.errors[0]?.message).toBe("The token's organization is suspended")
  }
  expect((await operate(server, operator, 'reinstate', admin.organizationId)).errors).toEqual([])
  for (const token of tokens) await expectReads(token, admin)

  expect((await setExternalId(admin.organizationId, 'closing-7')).errors).toEqual([])
  await expectReads(tokenFor('closing-7', byExternalId), admin)
  const deleted = await server.send(
    'mutation { deleteOrganization(input: { confirmSlug: "closing" }) { organization { id } } }',
    { token: admin.token },
  )
  expect(deleted.errors).toEqual([])
  for (const token of [...tokens, tokenFor('closing-7', byExternalId)]) await expectUnknown(token)
  const successor = await givenPerson(server, 'Reopened')
  expect((await setExternalId(successor.organizationId, 'closing-7')).errors).toEqual([])
  await expectReads(tokenFor('closing-7', byExternalId), successor)
})
