import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  expectError,
  givenMember,
  givenPerson,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { asOwner } from '../session/given-sessions.ts'
import { rounds } from '../rounds.ts'
import {
  change,
  CREATE,
  givenApiKey,
  readKey,
  REVOKE,
  ROTATE,
  sendWithKey,
  UPDATE,
  type KeyChange,
} from './given-api-key.ts'

const DAY_MS = 86_400_000
const START = Date.parse('2030-01-01T00:00:00.000Z')

let server: TestServer
let admin: Person
let stranger: Person
let now = START

const at = (ms: number) => new Date(ms).toISOString()
const as = (person: Person, mutation: string, input: Record<string, unknown>): Promise<Answer> =>
  server.send(mutation, { token: person.token, variables: { input } })
const good = { name: 'A key', service: 'metabase', scopes: ['read:*'] }

beforeAll(async () => {
  server = await startServer({ clock: () => new Date(now), settings: { ACCESS_TOKEN_TTL_SECONDS: '86400' } })
  admin = await givenPerson(server)
  stranger = await givenPerson(server, 'Elsewhere')
})
afterAll(() => server.close())

test('a new key shows its secret once, and never again more than its last eight characters', async () => {
  const answer = await as(admin, CREATE, {
    name: '  Metabase Analytics ',
    description: 'Dashboards',
    service: 'metabase',
    scopes: ['read:*', '*:projects', 'read:*'],
    expiresAt: at(now + DAY_MS),
    rateLimitPerMinute: 60,
  })
  expect(answer.errors).toEqual([])
  const { secret, apiKey } = answer.data.createApiKey as { secret: string; apiKey: { id: string } }
  expect(secret).toMatch(/^tk_test_[0-9A-Za-z]{49}$/)
  expect(apiKey).toEqual({
    id: expect.any(String),
    name: 'Metabase Analytics',
    description: 'Dashboards',
    service: 'metabase',
    scopes: ['read:*', '*:projects'],
    lastEight: secret.slice(-8),
    status: 'ACTIVE',
    createdAt: at(now),
    lastUsedAt: null,
    expiresAt: at(now + DAY_MS),
    revokedAt: null,
    rateLimitPerMinute: 60,
    createdBy: { id: admin.userId },
    rotatedTo: null,
  })
  expect(await readKey(server, admin, apiKey.id)).toEqual(apiKey)
  await sendWithKey(server, secret)
  await sendWithKey(server, `${secret.slice(0, -1)}!`)
  expect(server.logged.join('\n')).not.toContain(secret.slice(8, 40))
})

test.each<[string, Record<string, unknown>, string]>([
  ['no name', { name: ' ' }, 'input.name'],
  ['a name that is too long', { name: 'x'.repeat(201) }, 'input.name'],
  ['no service', { service: '' }, 'input.service'],
  ['a description that is too long', { description: 'x'.repeat(2_001) }, 'input.description'],
  ['no scopes', { scopes: [] }, 'input.scopes'],
  ['too many scopes', { scopes: Array<string>(101).fill('read:*') }, 'input.scopes'],
  ['an unknown resource', { scopes: ['read:*', 'read:secrets'] }, 'input.scopes.1'],
  ['an unknown action', { scopes: ['delete:*'] }, 'input.scopes.0'],
  ['a scope in capitals', { scopes: ['READ:projects'] }, 'input.scopes.0'],
  ['a scope with more in it', { scopes: ['read:projects '] }, 'input.scopes.0'],
  ['half a wildcard', { scopes: ['read:pro*'] }, 'input.scopes.0'],
  ['a number for a scope', { scopes: [1] }, 'input.scopes.0'],
  ['an object for a scope', { scopes: [{ $ne: null }] }, 'input.scopes.0'],
  ['a list for a scope', { scopes: [['read:*']] }, 'input.scopes.0'],
  ['a scope with NUL', { scopes: ['read:\0'] }, 'input.scopes.0'],
  ['an expiry that has passed', { expiresAt: at(START) }, 'input.expiresAt'],
  ['a rate limit of 0', { rateLimitPerMinute: 0 }, 'input.rateLimitPerMinute'],
  ['a rate limit beyond all bounds', { rateLimitPerMinute: 2_000_000_000 }, 'input.rateLimitPerMinute'],
])('a key with %s is refused', async (_, input, path) => {
  const answer = await as(admin, CREATE, { ...good, ...input })
  expectError(answer, 'BAD_USER_INPUT')
  const { inputs } = answer.errors[0]!.extensions as { inputs: { path: (string | number)[] }[] }
  expect(inputs.map((one) => one.path.join('.'))).toEqual([path])
})

test('an unknown scope is refused with the list of known ones', async () => {
  const answer = await as(admin, CREATE, { ...good, scopes: ['read:projects', 'read:users', 'drop:projects'] })
  expectError(answer, 'BAD_USER_INPUT')
  const { inputs } = answer.errors[0]!.extensions as { inputs: { path: unknown; reason: string }[] }
  expect(inputs.map(({ path }) => path)).toEqual([
    ['input', 'scopes', 1],
    ['input', 'scopes', 2],
  ])
  expect(inputs[0]?.reason).toContain('read:gateways, read:projects, write:gateways, write:projects')
})

test.each<[string, Record<string, unknown>]>([
  ['name', { name: 'bad\0name' }],
  ['description', { description: 'bad\0text' }],
  ['service', { service: 'bad\0service' }],
])("NUL in the %s is the client's mistake", async (_, input) => {
  expectError(await as(admin, CREATE, { ...good, ...input }), 'BAD_USER_INPUT')
})

test('only admins manage keys: neither members, strangers, keys nor nobody', async () => {
  const key = await givenApiKey(server, admin)
  const developer = await givenMember(server, admin, 'DEVELOPER')
  const operations: [string, Record<string, unknown>][] = [
    [CREATE, good],
    [UPDATE, { id: key.id, name: 'x' }],
    [ROTATE, { id: key.id }],
    [REVOKE, { id: key.id }],
  ]
  for (const [mutation, input] of operations) {
    expectError(await as(developer, mutation, input), 'FORBIDDEN', 'INSUFFICIENT_ROLE')
    expectError(await sendWithKey(server, key.secret, mutation, { input }), 'FORBIDDEN', 'INSUFFICIENT_ROLE')
    expectError(await server.send(mutation, { variables: { input } }), 'UNAUTHENTICATED', 'MISSING')
    if (mutation !== CREATE) expectError(await as(stranger, mutation, input), 'NOT_FOUND')
  }
  for (const query of ['{ apiKeys { totalCount } }', `{ apiKey(id: "${key.id}") { id } }`]) {
    expectError(await sendWithKey(server, key.secret, query), 'FORBIDDEN', 'INSUFFICIENT_ROLE')
  }
  expect((await readKey(server, admin, key.id)).status).toBe('ACTIVE')
  const { data } = await server.send(`{ apiKey(id: "${key.id}") { id } }`, { token: stranger.token })
  expect(data).toEqual({ apiKey: null })
})

test('an update changes what it names, and null clears what may be empty', async () => {
  const { id, lastEight } = await givenApiKey(server, admin, {
    ...{ description: 'Dashboards', expiresAt: at(now + DAY_MS), rateLimitPerMinute: 5 },
  })
  const before = await readKey(server, admin, id)
  const { apiKey: same } = await change(server, admin, UPDATE, { id })
  expect(same).toMatchObject({ name: 'A key', description: 'Dashboards', scopes: ['*:*'], rateLimitPerMinute: 5 })
  await change(server, admin, UPDATE, { id, name: 'Other', scopes: ['read:*'], expiresAt: at(now + 2 * DAY_MS) })
  expect(await readKey(server, admin, id)).toEqual({
    ...before,
    ...{ name: 'Other', scopes: ['read:*'], expiresAt: at(now + 2 * DAY_MS), lastEight },
  })
  await change(server, admin, UPDATE, { id, description: null, expiresAt: null, rateLimitPerMinute: null })
  expect(await readKey(server, admin, id)).toMatchObject({
    description: null,
    expiresAt: null,
    rateLimitPerMinute: null,
  })
  for (const input of [{ name: null }, { scopes: null }, { isActive: null }, { scopes: [] }, { expiresAt: at(now) }]) {
    expectError(await as(admin, UPDATE, { id, ...input }), 'BAD_USER_INPUT')
  }
  await change(server, admin, UPDATE, { id, isActive: false })
  expect((await readKey(server, admin, id)).status).toBe('INACTIVE')
  await change(server, admin, UPDATE, { id, isActive: true })
  expect((await readKey(server, admin, id)).status).toBe('ACTIVE')
})

test('a key outlives the membership of who made it, and is not told whose it was', async () => {
  const owner = await givenPerson(server, 'Leaving')
  const leaver = await givenMember(server, owner, 'ADMIN')
  const { id, secret } = await givenApiKey(server, leaver)
  const left = await server.send('mutation { leaveOrganization { organization { id } } }', { token: leaver.token })
  expect(left.errors).toEqual([])
  expect((await sendWithKey(server, secret)).errors).toEqual([])
  expect((await readKey(server, owner, id)).createdBy).toBeNull()
})

test('rotation gives a new key with the old settings; the old one works for the overlap', async () => {
  const { id, secret: old } = await givenApiKey(server, admin, { scopes: ['read:*'], rateLimitPerMinute: 7 })
  const { apiKey, previous, secret } = await change(server, admin, ROTATE, { id, overlapSeconds: 60 })
  expect(apiKey).toMatchObject({ name: 'A key', service: 'metabase', scopes: ['read:*'], rateLimitPerMinute: 7 })
  expect(apiKey).toMatchObject({ status: 'ACTIVE', expiresAt: null })
  expect(previous).toMatchObject({ id, status: 'ACTIVE', expiresAt: at(now + 60_000), rotatedTo: { id: apiKey.id } })
  expect(secret).not.toBe(old)
  const find = async (text: string) => server.app.services.apiKeys.find(text)
  expect((await find(secret))?.lineId).toBe((await find(old))?.lineId)
  for (const text of [old, secret]) expect((await sendWithKey(server, text)).errors).toEqual([])
  now += 60_000
  expectError(await sendWithKey(server, old), 'FORBIDDEN', 'EXPIRED')
  expect((await sendWithKey(server, secret)).errors).toEqual([])
})

test('the overlap never ends later than the old key would have, and the new key lives as long again', async () => {
  const { id } = await givenApiKey(server, admin, { expiresAt: at(now + DAY_MS) })
  now += DAY_MS / 2
  const { apiKey, previous } = await change(server, admin, ROTATE, { id, overlapSeconds: 2_000_000_000 })
  expect(previous.expiresAt).toBe(at(now + DAY_MS / 2))
  expect(apiKey.expiresAt).toBe(at(now + DAY_MS))
  const byDefault = await change(server, admin, ROTATE, { id: apiKey.id })
  expect(byDefault.previous.expiresAt).toBe(at(now + DAY_MS))
  expectError(await as(admin, UPDATE, { id, expiresAt: null }), 'CONFLICT', 'API_KEY_ROTATED')
})

test('a key that is revoked, expired, inactive or rotated already cannot be rotated', async () => {
  const { id } = await givenApiKey(server, admin, { expiresAt: at(now + DAY_MS) })
  for (const overlapSeconds of [-1, null]) {
    expectError(await as(admin, ROTATE, { id, overlapSeconds }), 'BAD_USER_INPUT')
  }
  await change(server, admin, UPDATE, { id, isActive: false })
  expectError(await as(admin, ROTATE, { id }), 'CONFLICT', 'API_KEY_INACTIVE')
  await change(server, admin, UPDATE, { id, isActive: true })
  await change(server, admin, ROTATE, { id })
  expectError(await as(admin, ROTATE, { id }), 'CONFLICT', 'API_KEY_ROTATED')
  const other = await givenApiKey(server, admin, { expiresAt: at(now + 1_000) })
  now += 1_000
  expectError(await as(admin, ROTATE, { id: other.id }), 'CONFLICT', 'API_KEY_EXPIRED')
  await change(server, admin, REVOKE, { id: other.id })
  expectError(await as(admin, ROTATE, { id: other.id }), 'CONFLICT', 'API_KEY_REVOKED')
  expectError(await as(admin, UPDATE, { id: other.id, isActive: true }), 'CONFLICT', 'API_KEY_REVOKED')
})

test('revoking twice changes nothing the second time', async () => {
  const { id } = await givenApiKey(server, admin)
  const first = await change(server, admin, REVOKE, { id })
  expect(first.apiKey).toMatchObject({ status: 'REVOKED', revokedAt: at(now) })
  now += 1_000
  expect((await change(server, admin, REVOKE, { id })).apiKey.revokedAt).toBe(first.apiKey.revokedAt)
})

/** A key and those that came of it, oldest first. */
async function keysOfLine(id: string): Promise<string[]> {
  const sql =
    'select id from api_keys where line_id = (select line_id from api_keys where id = ?) order by created_at, id'
  return (await asOwner<{ id: string }>(server, sql, [id])).map((row) => row.id)
}

test('of 10 rotations at once one makes a key, 50 times', async () => {
  for (let round = 0; round < rounds(50); round += 1) {
    const { id } = await givenApiKey(server, admin)
    const answers = await Promise.all(Array.from({ length: 10 }, () => as(admin, ROTATE, { id })))
    const winners = answers.filter(({ errors }) => errors.length === 0)
    expect(winners).toHaveLength(1)
    expect(await keysOfLine(id)).toEqual([id, (winners[0]?.data as { rotateApiKey: KeyChange }).rotateApiKey.apiKey.id])
    for (const { errors } of answers.filter((answer) => !winners.includes(answer))) {
      expect(errors.map(({ extensions }) => extensions.reason)).toEqual(['API_KEY_ROTATED'])
    }
  }
})

test('each change leaves an audit event of its own, without the secret or what was typed', async () => {
  const owner = await givenPerson(server, 'Audited')
  const { id, secret } = await givenApiKey(server, owner, { name: 'typed by the client' })
  await change(server, owner, UPDATE, { id, description: 'typed by the client' })
  const rotated = await change(server, owner, ROTATE, { id })
  await change(server, owner, REVOKE, { id })
  const { data } = await server.send(
    '{ auditEvents { nodes { action actorKind actorId targetType targetId succeeded } } }',
    { token: owner.token },
  )
  const { nodes } = (data as { auditEvents: { nodes: { action: string; targetId: string }[] } }).auditEvents
  const events = nodes.filter(({ action }) => action.startsWith('api_key.'))
  expect(events.map(({ action }) => action)).toEqual([
    ...['api_key.revoked', 'api_key.rotated', 'api_key.updated', 'api_key.created'],
  ])
  for (const event of events) {
    expect(event).toMatchObject({ actorKind: 'USER', actorId: owner.userId, targetId: id, succeeded: true })
  }
  const logged = server.logged.join('\n')
  for (const text of [secret, rotated.secret, 'typed by the client']) expect(logged).not.toContain(text)
})

test('lists are pages, and another organization has its own', async () => {
  const owner = await givenPerson(server, 'Paging')
  for (const name of ['a', 'b', 'c']) await givenApiKey(server, owner, { name })
  const query =
    'query ($after: String) { apiKeys(first: 2, after: $after) { nodes { name } totalCount pageInfo { endCursor hasNextPage } } }'
  const page = async (after: string | null) => {
    const answer = await server.send(query, { token: owner.token, variables: { after } })
    return (answer.data as { apiKeys: { nodes: unknown; pageInfo: { endCursor: string } } }).apiKeys
  }
  const first = await page(null)
  expect(first).toMatchObject({ nodes: [{ name: 'a' }, { name: 'b' }], totalCount: 3, pageInfo: { hasNextPage: true } })
  expect(await page(first.pageInfo.endCursor)).toMatchObject({
    nodes: [{ name: 'c' }],
    pageInfo: { hasNextPage: false },
  })
})
