import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenApiKey, sendWithKey } from '../api-key/given-api-key.ts'
import {
  expectError,
  givenMember,
  givenPerson,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { givenOperator } from '../platform/given-operator.ts'
import { DISABLE, givenRegistration, good, LIST, REGISTER, type RegisteredIssuer } from './given-registration.ts'

const CONFIGURED = 'https://id.configured.example'
const OWN = 'https://api.example.com'

let server: TestServer
let admin: Person
let stranger: Person

const as = (person: Pick<Person, 'token'>, mutation: string, input: unknown): Promise<Answer> =>
  server.send(mutation, { token: person.token, variables: { input } })
const listed = async (person: Person) => (await server.send(LIST, { token: person.token })).data.issuers

beforeAll(async () => {
  const trusted = { issuer: CONFIGURED, audiences: ['a'], maxScopes: ['read:*'] }
  server = await startServer({
    settings: {
      JWT_ISSUER: OWN,
      TRUSTED_ISSUERS: JSON.stringify([trusted]),
      ISSUER_PRIVATE_HOSTS: 'id.corp.internal',
    },
  })
  admin = await givenPerson(server)
  stranger = await givenPerson(server, 'Elsewhere')
})
afterAll(() => server.close())

test('an issuer is registered with what it is trusted with, and nothing is asked of it', async () => {
  const whole = {
    iss: 'https://login.example.com/Tenant/v2.0',
    jwksUri: 'https://keys.example.com/set?p=1',
    audiences: [' the-api ', 'other', 'other'],
    algorithms: ['ES256', 'PS256'],
    scopeClaim: 'scp',
    scopeMap: [{ scope: 'projects.read', grants: ['read:projects', 'read:projects'] }],
    maxScopes: ['read:*', 'write:projects'],
  }
  const answer = await as(admin, REGISTER, whole)
  expect(answer.errors).toEqual([])
  expect(answer.data.registerIssuer.issuer).toEqual({
    ...whole,
    id: expect.any(String),
    audiences: ['the-api', 'other'],
    scopeMap: [{ scope: 'projects.read', grants: ['read:projects'] }],
    createdBy: { id: admin.userId },
    createdAt: expect.any(String),
    disabledAt: null,
  })
  const { data } = await as(admin, REGISTER, good)
  expect(data.registerIssuer.issuer).toMatchObject({
    jwksUri: null,
    algorithms: ['RS256'],
    scopeClaim: 'scope',
    scopeMap: [
      { scope: 'api:read', grants: ['read:*'] },
      { scope: 'api:write', grants: ['write:*'] },
    ],
  })
  expect(await listed(admin)).toEqual({
    totalCount: 2,
    nodes: [answer.data.registerIssuer.issuer, data.registerIssuer.issuer],
  })
})

test.each<[string, Record<string, unknown>, string]>([
  ['an issuer over http', { iss: 'http://id.example.com' }, 'iss'],
  ['an issuer that is no URL', { iss: 'id.example.com' }, 'iss'],
  ['an issuer with a query', { iss: 'https://id.example.com/?a' }, 'iss'],
  ['an issuer with a fragment', { iss: 'https://id.example.com/#a' }, 'iss'],
  ['an issuer with credentials', { iss: 'https://a:b@id.example.com' }, 'iss'],
  ['an issuer with a line break', { iss: 'https://id.example.com/\n' }, 'iss'],
  ['an issuer in other letters', { iss: 'HTTPS://id.example.com' }, 'iss'],
  ['an issuer that is too long', { iss: `https://id.example.com/${'a'.repeat(233)}` }, 'iss'],
  ['an issuer with a private host', { iss: 'https://10.0.0.1' }, 'iss'],
  ['keys over http', { jwksUri: 'http://id.example.com/keys' }, 'jwksUri'],
  ['keys with a line break', { jwksUri: 'https://id.example.com/\nkeys' }, 'jwksUri'],
  ['keys at an address that is too long', { jwksUri: `https://id.example.com/${'a'.repeat(2_000)}` }, 'jwksUri'],
  ['no audience', { audiences: [] }, 'audiences'],
  ['an empty audience', { audiences: ['a', ' '] }, 'audiences.1'],
  ['too many audiences', { audiences: Array.from({ length: 21 }, (_, at) => `a${at}`) }, 'audiences'],
  ['no algorithm', { algorithms: [] }, 'algorithms'],
  ['an empty scope claim', { scopeClaim: '' }, 'scopeClaim'],
  ['no scopes', { maxScopes: [] }, 'maxScopes'],
  ['an unknown scope', { maxScopes: ['read:secrets'] }, 'maxScopes.0'],
  ['an empty map', { scopeMap: [] }, 'scopeMap'],
  ['a map of too much', { scopeMap: Array(101).fill({ scope: 'a', grants: ['read:*'] }) }, 'scopeMap'],
  ['a map of nothing', { scopeMap: [{ scope: ' ', grants: ['read:*'] }] }, 'scopeMap.0.scope'],
  ['a map to an unknown scope', { scopeMap: [{ scope: 'a', grants: ['*:*', 'a:b'] }] }, 'scopeMap.0.grants.1'],
  ['a map to nothing', { scopeMap: [{ scope: 'a', grants: [] }] }, 'scopeMap.0.grants'],
  [
    'a map that says two things',
    { scopeMap: ['a', 'b', 'a'].map((scope) => ({ scope, grants: ['read:*'] })) },
    'scopeMap.2.scope',
  ],
])('%s is refused', async (_, input, path) => {
  const answer = await as(stranger, REGISTER, { ...good, ...input })
  expectError(answer, 'BAD_USER_INPUT')
  const { inputs } = answer.errors[0]!.extensions as { inputs: { path: (string | number)[] }[] }
  expect(inputs.map((one) => one.path.join('.'))).toEqual([`input.${path}`])
  expect((await listed(stranger)).totalCount).toBe(0)
})

test.each([
  ...['https://127.0.0.1/k', 'https://127.1/k', 'https://2130706433/k', 'https://0x7f.1/k', 'https://[::1]/k'],
  ...['https://169.254.169.254/latest', 'https://10.0.0.1/k', 'https://[::ffff:10.0.0.1]/k', 'https://localhost/k'],
  ...['https://metadata.google.internal/k', 'https://vault/k', 'https://id.example.com./k', 'https://[fe80::1]/k'],
])('keys at %s are refused, as the address of the issuer itself is', async (address) => {
  for (const input of [{ jwksUri: address }, { iss: address }, { iss: address, jwksUri: null }])
    expectError(await as(stranger, REGISTER, { ...good, ...input }), 'BAD_USER_INPUT')
})

test('the issuer of keys that are elsewhere need not be reachable, and a private host may be named by the server', async () => {
  const person = await givenPerson(server)
  await givenRegistration(server, person, 'https://10.0.0.1/realms/us', { jwksUri: 'https://keys.example.com/us' })
  await givenRegistration(server, person, 'https://id.corp.internal:9443')
})

test("the server's own issuers are refused as one that cannot be an issuer is", async () => {
  const refused = await as(admin, REGISTER, { ...good, iss: 'https://10.0.0.1' })
  for (const iss of [OWN, CONFIGURED]) {
    for (const jwksUri of [null, 'https://keys.example.com/us']) {
      const answer = await as(admin, REGISTER, { ...good, iss, jwksUri })
      expectError(answer, 'BAD_USER_INPUT')
      expect(answer.errors).toEqual(refused.errors)
    }
  }
})

test('nobody grants an issuer more than they hold', async () => {
  const person = await givenPerson(server)
  const { secret } = await givenApiKey(server, person, { scopes: ['read:*'] })
  const headers = { 'x-tenant-id': person.organizationId, 'x-tenant-api-key': secret }
  const register = (maxScopes: string[]) =>
    server.send(REGISTER, { token: person.token, headers, variables: { input: { ...good, maxScopes } } })
  const answer = await register(['read:*', 'write:projects'])
  expectError(answer, 'FORBIDDEN', 'ABOVE_OWN_SCOPES')
  expect(answer.errors[0]!.extensions.missing).toEqual(['write:projects'])
  expect((await register(['read:*'])).errors).toEqual([])
})

test('an organization has an issuer once, until it is disabled, and not any number of them', async () => {
  const person = await givenPerson(server)
  const { id } = await givenRegistration(server, person, good.iss)
  expectError(await as(person, REGISTER, good), 'CONFLICT', 'ISSUER_REGISTERED')
  expect((await as(person, DISABLE, { id })).errors).toEqual([])
  const again = await givenRegistration(server, person, good.iss)
  expect(again.id).not.toBe(id)
  for (let number = 2; number <= 20; number += 1) await givenRegistration(server, person, `${good.iss}/${number}`)
  const one = { ...good, iss: `${good.iss}/21` }
  expectError(await as(person, REGISTER, one), 'CONFLICT', 'TOO_MANY_ISSUERS')
  await as(person, DISABLE, { id: again.id })
  expect((await as(person, REGISTER, one)).errors).toEqual([])
})

test('of many who register the same issuer at once, one does', async () => {
  const person = await givenPerson(server)
  const answers = await Promise.all(Array.from({ length: 5 }, () => as(person, REGISTER, good)))
  expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
  expect((await listed(person)).totalCount).toBe(1)
})

test('disabling is told once, and leaves the row', async () => {
  const person = await givenPerson(server)
  const { id } = await givenRegistration(server, person, good.iss)
  const first = await as(person, DISABLE, { id })
  expect(first.errors).toEqual([])
  const { disabledAt } = first.data.disableIssuer.issuer as RegisteredIssuer
  expect(disabledAt).toEqual(expect.any(String))
  expect((await as(person, DISABLE, { id })).data.disableIssuer.issuer.disabledAt).toBe(disabledAt)
  expect((await listed(person)).nodes).toMatchObject([{ id, disabledAt }])
  const { data } = await server.send('{ auditEvents { nodes { action targetId } } }', { token: person.token })
  const events = (data.auditEvents.nodes as { action: string }[]).filter(({ action }) => action.startsWith('issuer.'))
  expect(events.map(({ action }) => action).sort()).toEqual(['issuer.disabled', 'issuer.registered'])
  expect(events).toMatchObject([{ targetId: id }, { targetId: id }])
  const logged = server.logged.map((line) => JSON.parse(line) as { event?: { targetId: string; details: unknown } })
  const details = logged.filter(({ event }) => event?.targetId === id).map(({ event }) => event?.details)
  expect(details).toEqual([{ maxScopes: ['read:*'], algorithms: ['ES256'] }, null])
})

test('another organization neither sees nor counts nor disables them, and may register the same issuer', async () => {
  const [one, other] = [await givenPerson(server), await givenPerson(server)]
  const { id } = await givenRegistration(server, one, good.iss)
  expect(await listed(other)).toEqual({ totalCount: 0, nodes: [] })
  expectError(await as(other, DISABLE, { id }), 'NOT_FOUND')
  const { id: own } = await givenRegistration(server, other, good.iss)
  expect((await listed(one)).nodes).toMatchObject([{ id, disabledAt: null }])
  expect((await listed(other)).nodes).toMatchObject([{ id: own, disabledAt: null }])
})

test('only admins manage issuers: neither members, keys, operators nor nobody', async () => {
  const person = await givenPerson(server)
  const { id } = await givenRegistration(server, person, good.iss)
  const { secret } = await givenApiKey(server, person)
  const callers = [
    await givenMember(server, person, 'VIEWER'),
    await givenMember(server, person, 'DEVELOPER'),
    await givenOperator(server),
  ]
  for (const [query, input] of [[LIST], [REGISTER, good], [DISABLE, { id }]] as const) {
    for (const caller of callers) expectError(await as(caller, query, input), 'FORBIDDEN', 'INSUFFICIENT_ROLE')
    expectError(await sendWithKey(server, secret, query, { input }), 'FORBIDDEN', 'INSUFFICIENT_ROLE')
    expectError(await server.send(query, { variables: { input } }), 'UNAUTHENTICATED', 'MISSING')
  }
  expect((await listed(person)).nodes).toMatchObject([{ id, disabledAt: null }])
})
