import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { givenApiKey } from './given-api-key.ts'

let server: TestServer
let admin: Person

beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server)
})
afterAll(() => server.close())

const demand = (requiresTenantApiKey: boolean, secret?: string) =>
  server.send(
    `mutation ($input: UpdateOrganizationInput!) {
      updateOrganization(input: $input) { organization { requiresTenantApiKey } }
    }`,
    {
      token: admin.token,
      variables: { input: { requiresTenantApiKey } },
      ...(secret !== undefined && { headers: { 'x-tenant-id': admin.organizationId, 'x-tenant-api-key': secret } }),
    },
  )

test('a narrow key does not lift the demand that it answers, and one that covers everything does', async () => {
  const narrow = await givenApiKey(server, admin, { scopes: ['read:projects'] })
  const wide = await givenApiKey(server, admin, { scopes: ['*:*'] })
  expect((await demand(true)).errors).toEqual([])
  expectError(await demand(false, narrow.secret), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  const lifted = await demand(false, wide.secret)
  expect(lifted.errors).toEqual([])
  expect(lifted.data.updateOrganization.organization).toEqual({ requiresTenantApiKey: false })
})
