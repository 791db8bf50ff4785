import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newApiKeySecret } from '../../../src/principal/api-key-secret.ts'
import { externalPrincipal } from '../../../src/principal/external/external-principal.ts'
import { expectError, givenPerson, givenProject, startServer, type Person, type TestServer } from '../../harness.ts'
import { givenIssuer, trusting, type Issuer } from './given-issuer.ts'
import { trustedBySettings } from './given-settings.ts'

let server: TestServer
let issuer: Issuer
let mapped: Issuer
let ada: Person
let project: string

beforeAll(async () => {
  ;[issuer, mapped] = await Promise.all([givenIssuer(), givenIssuer()])
  const scopeMap = {
    'projects.read': ['read:projects'],
    'projects.all': ['*:projects'],
    all: ['*:*'],
    gateways: ['*:gateways'],
    constructor: ['read:gateways'],
  }
  const maxScopes = ['read:projects', 'write:projects', 'read:gateways']
  server = await startServer({ settings: trusting([issuer], [mapped, { scopeMap, maxScopes, scopeClaim: 'scp' }]) })
  ada = await givenPerson(server, 'Acme')
  project = await givenProject(server, ada, 'Loom')
})
afterAll(async () => {
  await Promise.all([server, issuer, mapped].map((one) => one.close()))
})

const token = (claims: Record<string, unknown> = {}) => issuer.token({ organization: ada.organizationId, ...claims })
const PRINCIPAL = `{ principal {
  kind subject role scopes organization { id name } can(scopes: ["read:projects"])
  claims { issuer firstName lastName username email }
} }`
const principalOf = async (text: string) => {
  const answer = await server.send(PRINCIPAL, { token: text })
  expect(answer.errors).toEqual([])
  return answer.data.principal
}
const scopesOf = async (claims: Record<string, unknown>, of = mapped) =>
  (await principalOf(of.token({ organization: ada.organizationId, scope: undefined, ...claims }))).scopes

test('the principal is the issuer and its subject, acting for the organization, without a role', async () => {
  expect(await principalOf(token())).toEqual({
    kind: 'EXTERNAL',
    subject: `${issuer.issuer}#somebody`,
    role: null,
    scopes: ['read:*'],
    organization: { id: ada.organizationId, name: 'Acme' },
    can: true,
    claims: { issuer: issuer.issuer, firstName: null, lastName: null, username: null, email: null },
  })
})

test('the same sub at two issuers is two principals', async () => {
  const [one, other] = [
    await principalOf(token()),
    await principalOf(mapped.token({ organization: ada.organizationId })),
  ]
  expect(other.subject).toBe(`${mapped.issuer}#somebody`)
  expect(other.subject).not.toBe(one.subject)
  const odd = await principalOf(token({ sub: `#${mapped.issuer}#somebody` }))
  expect(odd.subject).toBe(`${issuer.issuer}##${mapped.issuer}#somebody`)
})

test.each<[string, Record<string, unknown>]>([
  ['OpenID Connect', { given_name: 'Ada', family_name: 'Lovelace', preferred_username: 'ada', email: 'ada@a.test' }],
  ['others', { firstName: 'Ada', lastName: 'Lovelace', username: 'ada', email: 'ada@a.test' }],
])('who they are is told as the issuer says it: the names of %s', async (_, claims) => {
  expect((await principalOf(token(claims))).claims).toEqual({
    ...{ issuer: issuer.issuer, firstName: 'Ada', lastName: 'Lovelace', username: 'ada', email: 'ada@a.test' },
  })
})

test('what is told can be shown: texts alone, of bounded length, without controls', async () => {
  const { claims } = await principalOf(
    token({
      ...{ given_name: { $ne: null }, firstName: ' Ada\u0000\u001b[31m\n ', family_name: '\u202eecalevoL\u2066' },
      ...{ preferred_username: '😀'.repeat(300), email: 7, username: 'unused' },
    }),
  )
  expect(claims).toMatchObject({ firstName: 'Ada[31m', lastName: 'ecalevoL', username: '😀'.repeat(255), email: null })
  expect((await principalOf(token({ given_name: '', firstName: '\ud800' }))).claims.firstName).toBe('\ufffd')
})

test('a user with the same e-mail address is another one, and none is made', async () => {
  const before = await server.send('{ principal { claims { email } } }', { token: ada.token })
  expect(before.data.principal.claims).toBeNull()
  const { subject, claims } = await principalOf(token({ email: ada.email, sub: ada.userId }))
  expect(claims.email).toBe(ada.email)
  expect(subject).not.toBe(ada.userId)
  expectError(
    await server.send('{ me { id } }', { token: token({ sub: ada.userId, email: ada.email }) }),
    'FORBIDDEN',
    'WRONG_KIND',
  )
  const members = await server.send('{ organization { members { totalCount } } }', { token: ada.token })
  expect(members.data.organization.members.totalCount).toBe(1)
})

test('without a map api:read reads and api:write writes, as far as the issuer is trusted', async () => {
  expect(await scopesOf({ scope: 'api:read' }, issuer)).toEqual(['read:*'])
  expect(await scopesOf({ scope: 'api:write' }, issuer)).toEqual(['write:projects'])
  expect(await scopesOf({ scope: 'openid api:write api:read' }, issuer)).toEqual(['read:*', 'write:projects'])
  expect(await scopesOf({ scope: 'read:* *:* api:admin API:READ' }, issuer)).toEqual([])
})

test('scopes are a text or a list, mapped one by one, and never more than the issuer is trusted with', async () => {
  expect(await scopesOf({ scp: 'projects.read' })).toEqual(['read:projects'])
  expect(await scopesOf({ scp: ['projects.all', 'projects.read', 'unknown'] })).toEqual([
    'read:projects',
    'write:projects',
  ])
  expect(await scopesOf({ scp: 'all' })).toEqual(['read:gateways', 'read:projects', 'write:projects'])
  expect(await scopesOf({ scp: ['gateways'] })).toEqual(['read:gateways'])
  expect(await scopesOf({ scp: 'constructor' })).toEqual(['read:gateways'])
})

test.each([
  undefined,
  null,
  7,
  {},
  [],
  '',
  ' ',
  ['all projects.read'],
  [['all']],
  [{ all: true }],
  '__proto__ toString',
])('scopes that are none grant nothing: %j', async (scp) => expect(await scopesOf({ scp, scope: 'all' })).toEqual([]))

test('what is granted is done, and the rest is denied with what is missing', async () => {
  const create = 'mutation { createProject(input: { name: "Spinning" }) { project { name } } }'
  const written = await server.send(create, { token: token({ scope: 'api:read api:write' }) })
  expect(written).toMatchObject({ status: 200, data: { createProject: { project: { name: 'Spinning' } } }, errors: [] })
  const denied = await server.send(create, { token: token() })
  expectError(denied, 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expect(denied.errors[0]?.extensions.missing).toEqual(['write:projects'])
  const unread = await server.send('query ($id: ID!) { project(id: $id) { name } }', {
    token: token({ scope: 'api:write' }),
    variables: { id: project },
  })
  expectError(unread, 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
})

test.each([
  ['apiKeys', '{ apiKeys { totalCount } }'],
  [
    'createApiKey',
    `mutation { createApiKey(input: { name: "a", service: "b", scopes: ["read:projects"] }) { secret } }`,
  ],
  ['updateOrganization', 'mutation { updateOrganization(input: { name: "Mine" }) { organization { id } } }'],
  ['members', '{ organization { members { totalCount } } }'],
])('what takes a role is denied, whatever the scopes: %s', async (_, query) => {
  const answer = await server.send(query, { token: mapped.token({ organization: ada.organizationId, scp: 'all' }) })
  expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN'])
})

test('the audit trail says who did it', async () => {
  const who = token({ scope: 'api:read api:write', sub: 'auth0|somebody@else' })
  const made = await server.send('mutation { createProject(input: { name: "Audited" }) { project { id } } }', {
    token: who,
  })
  expect(made.errors).toEqual([])
  const subject = `${issuer.issuer}#auth0|somebody@else`
  const trail = await server.send(
    `query ($filter: AuditEventFilter) { auditEvents(filter: $filter) { nodes { action actorKind actorId targetId } } }`,
    { token: ada.token, variables: { filter: { actorId: subject } } },
  )
  expect(trail.errors).toEqual([])
  expect(trail.data.auditEvents.nodes).toEqual([
    {
      action: 'project.created',
      actorKind: 'EXTERNAL',
      actorId: subject,
      targetId: made.data.createProject.project.id,
    },
  ])
  const lines = server.logged.map((line) => JSON.parse(line)).filter(({ event }) => event?.actorId === subject)
  expect(lines).toHaveLength(1)
})

test('requests are counted under the subject, with the limit of a user', async () => {
  const limits = { RATE_LIMIT_USER_PER_MINUTE: '2', RATE_LIMIT_ANONYMOUS_PER_MINUTE: '3' }
  const limited = await startServer({ settings: { ...trusting([issuer]), ...limits } })
  try {
    const { organizationId: organization } = await givenPerson(limited)
    const read = (claims: Record<string, unknown>) =>
      limited.send('{ projects { totalCount } }', { token: issuer.token({ organization, ...claims }) })
    expect((await read({ sub: 'one' })).errors).toEqual([])
    const second = await read({ sub: 'one' })
    expect(second.errors).toEqual([])
    expect(second.headers.get('ratelimit-policy')).toBe('"user";q=2;w=60')
    expectError(await read({ sub: 'one' }), 'RATE_LIMITED')
    expect((await read({ sub: 'two' })).errors).toEqual([])
    // One was the registration's: what is not accepted is counted for the address.
    expectError(await read({ aud: 'another' }), 'UNAUTHENTICATED', 'INVALID')
    expectError(await read({ aud: 'another' }), 'UNAUTHENTICATED', 'INVALID')
    expectError(await read({ aud: 'another' }), 'RATE_LIMITED')
    expect((await read({ sub: 'two' })).errors).toEqual([])
  } finally {
    await limited.close()
  }
})

test('a token that needs a fetch is refused before it, where its address has had too many credentials looked up', async () => {
  const limits = { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2' }
  const fresh = await givenIssuer()
  const limited = await startServer({ settings: { ...trusting([fresh]), ...limits } })
  try {
    const { organizationId: organization } = await givenPerson(limited)
    const read = () => limited.send('{ projects { totalCount } }', { token: fresh.token({ organization }) })
    for (let turn = 0; turn < 2; turn += 1) {
      await limited.send('{ me { id } }', { headers: { 'x-api-key': newApiKeySecret('test') } })
    }
    expectError(await read(), 'RATE_LIMITED')
    expect(fresh.asked.keys).toBe(0)
  } finally {
    await Promise.all([limited.close(), fresh.close()])
  }
})

test('to the access rules it is of its own kind, and of no other', () => {
  const trusted = trustedBySettings({ issuer: issuer.issuer })
  const claims = { iss: issuer.issuer, sub: 'somebody', scope: 'api:read' }
  const { powers } = externalPrincipal(server.app.services.scopes, trusted, claims, ada.organizationId)
  expect([...powers.kinds]).toEqual(['EXTERNAL'])
  expect(powers.role).toBeNull()
})
