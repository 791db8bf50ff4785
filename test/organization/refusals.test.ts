import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createContext, type Context } from '../../src/context.ts'
import { addMember } from '../../src/modules/membership/membership.service.ts'
import { lockOrganizationAsAdmin } from '../../src/modules/organization/organization.service.ts'
import { userPrincipal } from '../../src/principal/user-principal.ts'
import { change, givenApiKey, REVOKE, UPDATE } from '../api-key/given-api-key.ts'
import {
  expectError,
  givenMember,
  givenPerson,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { givenRegistration, good, REGISTER } from '../issuer/given-registration.ts'
import { mutate } from '../membership/race.ts'

let server: TestServer
let admin: Person
beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server)
})
afterAll(async () => server.close())

const send = (query: string, input: Record<string, unknown> = {}) =>
  server.send(query, { token: admin.token, variables: { input } })
const updateOrganization = (input: Record<string, unknown>) =>
  send(
    'mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { organization { id } } }',
    input,
  )

const registerAgain = async (times: number) => {
  const person = await givenPerson(server)
  for (let number = 0; number < times; number += 1) await givenRegistration(server, person, `${good.iss}/${number}`)
  const iss = `${good.iss}/${times === 1 ? 0 : times}`
  return server.send(REGISTER, { token: person.token, variables: { input: { ...good, iss } } })
}

const REFUSALS: [message: string, refused: () => Promise<Answer>][] = [
  ['User not found', () => mutate(server, admin.token, 'add', { email: 'nobody@example.test', role: 'VIEWER' })],
  ['The user is a member already', () => mutate(server, admin.token, 'add', { email: admin.email, role: 'VIEWER' })],
  ['Membership not found', () => mutate(server, admin.token, 'remove', { membershipId: randomUUID() })],
  [
    'The last ADMIN of an organization cannot leave it or be given a lower role',
    () => mutate(server, admin.token, 'leave'),
  ],
  [
    'Members are shown of the current organization alone',
    async () => {
      const person = await givenPerson(server, 'First')
      await server.send('mutation { createOrganization(input: { name: "Second" }) { organization { id } } }', {
        token: person.token,
      })
      const query = '{ me { memberships { organization { members(first: 1) { totalCount } } } } }'
      return server.send(query, { token: person.token })
    },
  ],
  [
    'The API key has been revoked',
    async () => {
      const { id } = await givenApiKey(server, admin)
      await change(server, admin, REVOKE, { id })
      return send(UPDATE, { id, name: 'Another' })
    },
  ],
  ['The organization has registered this issuer', () => registerAgain(1)],
  ['An organization has at most 20 issuers', () => registerAgain(20)],
  [
    'input.projectId: must not be null',
    () =>
      send('mutation ($input: UpdateGatewayInput!) { updateGateway(input: $input) { gateway { id } } }', {
        id: randomUUID(),
        projectId: null,
      }),
  ],
  ['input.requiresTenantApiKey: must not be null', () => updateOrganization({ requiresTenantApiKey: null })],
  [
    "input.confirmSlug: must be the current organization's slug",
    () =>
      send(
        'mutation ($input: DeleteOrganizationInput!) { deleteOrganization(input: $input) { organization { id } } }',
        {
          confirmSlug: 'another',
        },
      ),
  ],
  [
    'Session not found',
    () =>
      server.send(`mutation { revokeSession(input: { id: "${randomUUID()}" }) { session { id } } }`, {
        token: admin.token,
      }),
  ],
  [
    'The refresh token is not accepted',
    () => server.send('mutation { refresh(input: { refreshToken: "rt_x" }) { accessToken } }'),
  ],
]

test.each(REFUSALS)('%s', async (message, refused) => {
  expect((await refused()).errors.map((error) => error.message)).toEqual([message])
})

test('nobody grants a role above their own, also where the schema would let them', async () => {
  const { services } = server.app
  const as = (role: string | null) => {
    const scopes = role ? services.scopes.grantsOf('ADMIN') : []
    return addMember({ services, principal: { kind: 'USER', role, scopes } } as unknown as Context, {
      email: 'nobody@example.test',
      role: 'ADMIN',
    })
  }
  for (const role of ['DEVELOPER', null]) {
    await expect(as(role)).rejects.toMatchObject({
      message: 'A role above the own one cannot be granted',
      code: 'FORBIDDEN',
      extensions: { reason: 'ABOVE_OWN_ROLE', required: ['ADMIN'], missing: ['ADMIN'] },
    })
  }
})

test('what a token says of the role is not enough to change who may do what: the membership is read again', async () => {
  const member = await givenMember(server, admin, 'DEVELOPER')
  const { userId, email, membershipId } = member
  const { services } = server.app
  const said = { userId, email, membershipId, sessionId: randomUUID(), isOperator: false, role: 'ADMIN' as const }
  const principal = userPrincipal(services.scopes, { ...said, organizationId: admin.organizationId })
  const facts = { requestId: randomUUID(), headers: {}, ipAddress: '192.0.2.1', userAgent: null }
  const ctx = createContext(services, facts, principal)
  const locking = ctx.rows.write('tenant', (em) => lockOrganizationAsAdmin(ctx, em))
  await expect(locking).rejects.toMatchObject({
    message: 'The role ADMIN is required',
    code: 'FORBIDDEN',
    extensions: { reason: 'INSUFFICIENT_ROLE', required: ['ADMIN'], missing: ['ADMIN'] },
  })
  await ctx.rows.close()
})

test('with a key of few scopes an ADMIN changes the organization, and does not lift its demand for a key', async () => {
  const person = await givenPerson(server)
  const update = async (scopes: string[], input: Record<string, unknown>) => {
    const { secret } = await givenApiKey(server, person, { scopes })
    return server.send(
      'mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { organization { name } } }',
      {
        token: person.token,
        variables: { input },
        headers: { 'x-tenant-id': person.organizationId, 'x-tenant-api-key': secret },
      },
    )
  }
  expect((await update(['read:*'], { name: 'Renamed' })).data.updateOrganization.organization.name).toBe('Renamed')
  const refused = await update(['read:*', 'write:*'], { requiresTenantApiKey: false })
  expectError(refused, 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expect(refused.errors[0]).toMatchObject({
    message: 'Lifting the demand for a tenant API key takes every scope',
    extensions: { required: ['*:*'], missing: ['*:*'] },
  })
  expect((await update(['*:*'], { requiresTenantApiKey: false })).errors).toEqual([])
})
