import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { expectError, givenPerson, givenProject, startServer, type Person, type TestServer } from '../harness.ts'
import { change, givenApiKey, PROJECTS, readKey, REVOKE, sendWithKey, UPDATE } from './given-api-key.ts'

let server: TestServer
let admin: Person
let now = Date.now()

beforeAll(async () => {
  server = await startServer({ clock: () => new Date(now) })
  admin = await givenPerson(server)
  await givenProject(server, admin)
})
afterAll(() => server.close())

test('1. a valid key reads what its scopes cover, as an API_KEY principal of its organization', async () => {
  const { id, secret } = await givenApiKey(server, admin, { scopes: ['read:*'] })
  const answer = await sendWithKey(
    server,
    secret,
    `{ principal { kind subject role scopes organization { id } can(scopes: ["read:gateways"]) } projects { totalCount } }`,
  )
  expect(answer.errors).toEqual([])
  expect(answer.status).toBe(200)
  expect(answer.data).toEqual({
    principal: {
      kind: 'API_KEY',
      subject: id,
      role: null,
      scopes: ['read:*'],
      organization: { id: admin.organizationId },
      can: true,
    },
    projects: { totalCount: 1 },
  })
})

test('2. without a credential the answer is 401', async () => {
  const answer = await server.send(PROJECTS)
  expect(answer.status).toBe(401)
  expectError(answer, 'UNAUTHENTICATED', 'MISSING')
})

test('3. a key that is malformed or not known is 401', async () => {
  const { secret } = await givenApiKey(server, admin)
  const wrong: [string, string][] = [
    [newApiKeySecret('test'), 'INVALID'],
    [newApiKeySecret('live'), 'INVALID'],
    ['', 'MALFORMED'],
    ['nonsense', 'MALFORMED'],
    [`${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`, 'MALFORMED'],
    [secret.toUpperCase(), 'MALFORMED'],
    [`${secret}, ${secret}`, 'MALFORMED'],
    [`Bearer ${secret}`, 'MALFORMED'],
  ]
  for (const [text, reason] of wrong) {
    const answer = await sendWithKey(server, text)
    expect(answer.status).toBe(401)
    expectError(answer, 'UNAUTHENTICATED', reason)
    expect(answer.data).toBeUndefined()
  }
})

test('4. an expired key is 403, and says so', async () => {
  const { secret } = await givenApiKey(server, admin, { expiresAt: new Date(now + 60_000).toISOString() })
  expect((await sendWithKey(server, secret)).errors).toEqual([])
  now += 60_000
  const answer = await sendWithKey(server, secret)
  expect(answer.status).toBe(403)
  expectError(answer, 'FORBIDDEN', 'EXPIRED')
})

test('5. an inactive or revoked key is 403, and says which', async () => {
  const { id, secret } = await givenApiKey(server, admin)
  await change(server, admin, UPDATE, { id, isActive: false })
  const inactive = await sendWithKey(server, secret)
  expect(inactive.status).toBe(403)
  expectError(inactive, 'FORBIDDEN', 'INACTIVE')
  await change(server, admin, UPDATE, { id, isActive: true })
  expect((await sendWithKey(server, secret)).errors).toEqual([])
  await change(server, admin, REVOKE, { id })
  const revoked = await sendWithKey(server, secret)
  expect(revoked.status).toBe(403)
  expectError(revoked, 'FORBIDDEN', 'REVOKED')
})

test('6. a scope that the key lacks is 403, and says what is missing', async () => {
  const { secret } = await givenApiKey(server, admin, { scopes: ['read:projects', '*:gateways'] })
  const answer = await sendWithKey(
    server,
    secret,
    'mutation { createProject(input: { name: "p" }) { project { id } } }',
  )
  expect(answer.status).toBe(403)
  expectError(answer, 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expect(answer.errors[0]?.extensions).toMatchObject({
    required: ['write:projects'],
    missing: ['write:projects'],
  })
})

test('7. each use moves lastUsedAt, forward only, and a clean stop loses none', async () => {
  const { id, secret } = await givenApiKey(server, admin)
  expect((await readKey(server, admin, id)).lastUsedAt).toBeNull()
  now += 5_000
  await sendWithKey(server, secret)
  expect((await readKey(server, admin, id)).lastUsedAt).toBeNull()
  await server.app.services.apiKeys.flushUses()
  const first = new Date(now).toISOString()
  expect((await readKey(server, admin, id)).lastUsedAt).toBe(first)
  now -= 2_000
  await sendWithKey(server, secret)
  await server.app.services.apiKeys.flushUses()
  expect((await readKey(server, admin, id)).lastUsedAt).toBe(first)
  now += 10_000
  await sendWithKey(server, secret)
  await server.app.services.apiKeys.stop()
  expect((await readKey(server, admin, id)).lastUsedAt).toBe(new Date(now).toISOString())
})
