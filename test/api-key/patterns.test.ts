import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  expectError,
  givenMember,
  givenPerson,
  givenProject,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { asOwner } from '../session/given-sessions.ts'
import { change, givenApiKey, PROJECTS, readKey, REVOKE, ROTATE, UPDATE } from './given-api-key.ts'

/**
 * Every combination of the four credentials, and what a query for projects is answered: the rows of ACME or OTHER, or the
 * reason of the refusal. `own` is a credential of Acme, `other` one of another organization, `bad` one that is none.
 */
const table = `
  X-Api-Key  JWT    X-Tenant-Id | X-Tenant-Api-Key: none      own                   bad                   other
  -          -      -           | MISSING                     MISSING               MISSING               MISSING
  -          -      own         | MISSING                     MISSING               MISSING               MISSING
  -          -      bad         | MISSING                     MISSING               MISSING               MISSING
  -          -      other       | MISSING                     MISSING               MISSING               MISSING
  -          own    -           | ACME                        INCOMPLETE            INCOMPLETE            INCOMPLETE
  -          own    own         | ACME                        ACME                  MALFORMED             NOT_THE_TENANTS_KEY
  -          own    bad         | NOT_A_MEMBER                NOT_A_MEMBER          NOT_A_MEMBER          NOT_A_MEMBER
  -          own    other       | NOT_A_MEMBER                NOT_A_MEMBER          NOT_A_MEMBER          NOT_A_MEMBER
  -          bad    -           | MALFORMED                   MALFORMED             MALFORMED             MALFORMED
  -          bad    own         | MALFORMED                   MALFORMED             MALFORMED             MALFORMED
  -          bad    bad         | MALFORMED                   MALFORMED             MALFORMED             MALFORMED
  -          bad    other       | MALFORMED                   MALFORMED             MALFORMED             MALFORMED
  -          other  -           | OTHER                       INCOMPLETE            INCOMPLETE            INCOMPLETE
  -          other  own         | NOT_A_MEMBER                NOT_A_MEMBER          NOT_A_MEMBER          NOT_A_MEMBER
  -          other  bad         | NOT_A_MEMBER                NOT_A_MEMBER          NOT_A_MEMBER          NOT_A_MEMBER
  -          other  other       | OTHER                       NOT_THE_TENANTS_KEY   MALFORMED             OTHER
  own        -      -           | ACME                        AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        -      own         | ACME                        AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        -      bad         | NOT_THE_KEYS_ORGANIZATION   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        -      other       | NOT_THE_KEYS_ORGANIZATION   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        own    -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        own    own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        own    bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        own    other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        bad    -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        bad    own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        bad    bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        bad    other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        other  -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        other  own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        other  bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  own        other  other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        -      -           | MALFORMED                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        -      own         | MALFORMED                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        -      bad         | MALFORMED                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        -      other       | MALFORMED                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        own    -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        own    own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        own    bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        own    other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        bad    -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        bad    own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        bad    bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        bad    other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        other  -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        other  own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        other  bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  bad        other  other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      -      -           | OTHER                       AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      -      own         | NOT_THE_KEYS_ORGANIZATION   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      -      bad         | NOT_THE_KEYS_ORGANIZATION   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      -      other       | OTHER                       AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      own    -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      own    own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      own    bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      own    other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      bad    -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      bad    own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      bad    bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      bad    other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      other  -           | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      other  own         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      other  bad         | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
  other      other  other       | AMBIGUOUS                   AMBIGUOUS             AMBIGUOUS             AMBIGUOUS
`

/** The lines that are others where Acme demands a tenant API key of its users. */
const demanding = `
  X-Api-Key  JWT    X-Tenant-Id | X-Tenant-Api-Key: none      own                   bad                   other
  -          own    -           | INSUFFICIENT_SCOPE          INCOMPLETE            INCOMPLETE            INCOMPLETE
  -          own    own         | TENANT_API_KEY_REQUIRED     ACME                  MALFORMED             NOT_THE_TENANTS_KEY
`

const statusOf: Record<string, number> = {
  ...{ ACME: 200, OTHER: 200, AMBIGUOUS: 400, INCOMPLETE: 400, MISSING: 401, MALFORMED: 401 },
  ...{ NOT_A_MEMBER: 403, NOT_THE_TENANTS_KEY: 403, NOT_THE_KEYS_ORGANIZATION: 403 },
  ...{ INSUFFICIENT_SCOPE: 403, TENANT_API_KEY_REQUIRED: 403 },
}

let server: TestServer
let acme: Person
let other: Person
let credentials: Record<string, Record<string, string>>

beforeAll(async () => {
  server = await startServer()
  acme = await givenPerson(server, 'Acme')
  other = await givenPerson(server, 'Other')
  await givenProject(server, acme)
  await givenProject(server, other)
  await givenProject(server, other)
  const keys = { own: (await givenApiKey(server, acme)).secret, other: (await givenApiKey(server, other)).secret }
  credentials = {
    'x-api-key': { ...keys, bad: 'tk_test_nonsense' },
    authorization: { own: `Bearer ${acme.token}`, other: `Bearer ${other.token}`, bad: 'Bearer nonsense' },
    'x-tenant-id': { own: acme.organizationId, other: other.organizationId, bad: 'nonsense' },
    'x-tenant-api-key': { ...keys, bad: 'tk_test_nonsense' },
  }
})
afterAll(() => server.close())

/** The table by combination: the verdict of each four states of the credentials. */
function read(text: string): Map<string, string> {
  const lines = text.trim().split('\n').slice(1)
  return new Map(
    lines.flatMap((line) => {
      const [states, verdicts] = line.split('|').map((part) => part.trim().split(/\s+/))
      return ['-', 'own', 'bad', 'other'].map(
        (tenantKey, at) => [[...states!, tenantKey].join(' '), verdicts![at]!] as const,
      )
    }),
  )
}

function verdictOf(answer: Answer): string {
  const { projects } = (answer.data ?? {}) as { projects?: { totalCount: number } | null }
  if (projects) return projects.totalCount === 1 ? 'ACME' : 'OTHER'
  expect(answer.errors).toHaveLength(1)
  return String(answer.errors[0]?.extensions.reason)
}

/** What each combination is answered, beside the verdict of the table. */
async function probe(expected: Map<string, string>): Promise<void> {
  const found = new Map<string, string>()
  for (const combination of expected.keys()) {
    const states = combination.split(' ')
    const headers = Object.entries(credentials).flatMap(([name, values], at) =>
      states[at] === '-' ? [] : [[name, values[states[at]!]!] as const],
    )
    const answer = await server.send(PROJECTS, { headers: Object.fromEntries(headers) })
    const verdict = verdictOf(answer)
    found.set(combination, verdict)
    expect([combination, verdict, answer.status]).toEqual([combination, verdict, statusOf[verdict]])
  }
  expect(found).toEqual(expected)
}

const requireKey = (admin: Person, requiresTenantApiKey: boolean, headers: Record<string, string> = {}) =>
  server.send(
    `mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { organization { id } } }`,
    { token: admin.token, variables: { input: { requiresTenantApiKey } }, headers },
  )

test('every combination of the four credentials is answered as the table says', async () => {
  const expected = read(table)
  expect(expected.size).toBe(4 ** 4)
  await probe(expected)
})

test('an organization that demands a tenant API key serves its rows to users in no other way', async () => {
  expect((await requireKey(acme, true)).errors).toEqual([])
  const expected = new Map([...read(table), ...read(demanding)])
  expect(expected.size).toBe(4 ** 4)
  await probe(expected)
})

test('while a key is demanded, a user still reaches their own account and chooses another organization', async () => {
  const { token } = acme
  const own = await server.send('{ me { email memberships { organization { id name } role } } organization { id } }', {
    token,
  })
  expect(own.errors).toEqual([])
  expect(own.data).toEqual({
    me: {
      email: acme.email,
      memberships: [{ organization: { id: acme.organizationId, name: 'Acme' }, role: 'ADMIN' }],
    },
    organization: null,
  })
  const principal = await server.send('{ principal { kind role scopes organization { id } } }', { token })
  expect(principal.data).toEqual({ principal: { kind: 'USER', role: null, scopes: [], organization: null } })
  const created = await server.send(
    'mutation { createOrganization(input: { name: "Second" }) { organization { id } } }',
    { token },
  )
  expect(created.errors).toEqual([])
  const id = (created.data as { createOrganization: { organization: { id: string } } }).createOrganization.organization
    .id
  const switched = await server.send(
    `mutation ($id: ID!) { switchOrganization(input: { organizationId: $id }) { organization { id members { totalCount } } } }`,
    { token, variables: { id } },
  )
  expect(switched.errors).toEqual([])
  expect(switched.data).toEqual({ switchOrganization: { organization: { id, members: { totalCount: 1 } } } })
})

test('signing in brings no key, so its answer shows no rows of an organization that demands one', async () => {
  const answer = await server.send(
    `mutation ($input: LoginInput!) { login(input: $input) { accessToken organization { id members { totalCount } } } }`,
    { variables: { input: { email: acme.email, password: acme.password, organizationId: acme.organizationId } } },
  )
  expectError(answer, 'FORBIDDEN')
  expect(answer.data ?? {}).not.toMatchObject({ login: { organization: { members: expect.anything() } } })
})

test('the effective scopes are those of both, the role included, and the role stays', async () => {
  const home = await givenPerson(server, 'Home')
  const member = await givenMember(server, home, 'DEVELOPER')
  const { secret } = await givenApiKey(server, home, { scopes: ['*:projects', 'read:gateways'] })
  const headers = { 'x-tenant-id': home.organizationId, 'x-tenant-api-key': secret }
  const answer = await server.send('{ principal { kind subject role scopes organization { id } } }', {
    token: member.token,
    headers,
  })
  expect(answer.data).toEqual({
    principal: {
      kind: 'USER',
      subject: member.userId,
      role: 'DEVELOPER',
      scopes: ['read:gateways', 'read:projects', 'write:projects'],
      organization: { id: home.organizationId },
    },
  })
  const readOnly = await givenApiKey(server, home, { scopes: ['read:*'] })
  const denied = await server.send('mutation { createProject(input: { name: "p" }) { project { id } } }', {
    token: home.token,
    headers: { ...headers, 'x-tenant-api-key': readOnly.secret },
  })
  expectError(denied, 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  const above = await server.send(
    `mutation { createApiKey(input: { name: "k", service: "s", scopes: ["*:*"] }) { secret } }`,
    { token: home.token, headers: { ...headers, 'x-tenant-api-key': readOnly.secret } },
  )
  expectError(above, 'FORBIDDEN', 'ABOVE_OWN_SCOPES')
})

test('who holds less than a key neither rotates nor empowers it, and may still rename it and take it out of use', async () => {
  const home = await givenPerson(server, 'Home')
  const { id } = await givenApiKey(server, home)
  const dormant = await givenApiKey(server, home)
  await change(server, home, UPDATE, { id: dormant.id, isActive: false })
  const { secret } = await givenApiKey(server, home, { scopes: ['read:*'] })
  const headers = { 'x-tenant-id': home.organizationId, 'x-tenant-api-key': secret }
  const ask = (mutation: string, input: Record<string, unknown>) =>
    server.send(mutation, { token: home.token, headers, variables: { input } })
  const stateOfKeys = async () => [
    await readKey(server, home, id),
    await readKey(server, home, dormant.id),
    await asOwner(server, 'select count(*)::int as n from api_keys where organization_id = ?', [home.organizationId]),
  ]
  const before = await stateOfKeys()
  expect(before).toMatchObject([{ status: 'ACTIVE', rotatedTo: null }, { status: 'INACTIVE' }, [{ n: 3 }]])
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
  for (const [mutation, input] of [
    [ROTATE, { id }],
    [UPDATE, { id, scopes: ['*:*'] }],
    [UPDATE, { id, name: 'Renamed', expiresAt: tomorrow }],
    [UPDATE, { id, expiresAt: null }],
    [UPDATE, { id: dormant.id, isActive: true }],
  ] as const) {
    expectError(await ask(mutation, input), 'FORBIDDEN', 'ABOVE_OWN_SCOPES')
    expect(await stateOfKeys()).toEqual(before)
  }
  for (const [mutation, input] of [
    [UPDATE, { id, name: 'Renamed' }],
    [UPDATE, { id, isActive: false }],
    [REVOKE, { id }],
  ] as const) {
    expect((await ask(mutation, input)).errors).toEqual([])
  }
  expect(await readKey(server, home, id)).toMatchObject({ name: 'Renamed', status: 'REVOKED', scopes: ['*:*'] })
})

test.each([
  ['EXPIRED', ROTATE, { overlapSeconds: 0 }],
  ['INACTIVE', UPDATE, { isActive: false }],
  ['REVOKED', REVOKE, {}],
])('a tenant API key that is %s is refused, and says so', async (reason, mutation, input) => {
  const home = await givenPerson(server, 'Home')
  const { id, secret } = await givenApiKey(server, home)
  await change(server, home, mutation, { id, ...input })
  const headers = { 'x-tenant-id': home.organizationId, 'x-tenant-api-key': secret }
  expectError(await server.send(PROJECTS, { token: home.token, headers }), 'FORBIDDEN', reason)
})
