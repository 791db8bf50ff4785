import { afterEach, expect, jest, test } from '@jest/globals'
import { change, givenApiKey, REVOKE, ROTATE, sendWithKey, UPDATE } from '../api-key/given-api-key.ts'
import { newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import {
  expectError,
  givenMember,
  givenPerson,
  POSTGRES_URL,
  REDIS_URL,
  startServer,
  type Answer,
  type TestServer,
} from '../harness.ts'

const WHO = '{ principal { kind } }'

const open: TestServer[] = []
afterEach(async () => {
  for (const server of open.splice(0).toReversed()) await server.close()
})

async function given(settings: Record<string, string>, databaseUrl?: string): Promise<TestServer> {
  const server = await startServer({ settings, databaseUrl })
  open.push(server)
  return server
}

/** A server, and another on its database; the embedded database serves one process, so there it is the same one. */
async function givenTwo(settings: Record<string, string>): Promise<[TestServer, TestServer]> {
  const a = await given(settings)
  return [a, POSTGRES_URL ? await given(settings, a.databaseUrl) : a]
}

const atOnce = (times: number, send: (turn: number) => Promise<Answer>) =>
  Promise.all(Array.from({ length: times }, (_, turn) => send(turn)))
const passed = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 200).length

/** Refused, and told when to come back, in the body and in the headers. */
function expectLimited(answer: Answer | undefined, policy: string, limit: number): void {
  expectError(answer!, 'RATE_LIMITED')
  expect(answer?.status).toBe(429)
  const seconds = answer?.errors[0]?.extensions.retryAfterSeconds as number
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(60)
  expect(answer?.headers.get('retry-after')).toBe(String(seconds))
  expect(answer?.headers.get('ratelimit-policy')).toContain(`"${policy}";q=${limit};w=60`)
  expect(answer?.headers.get('ratelimit')).toContain(`"${policy}";r=0;t=`)
}

/** What the limits are counted in, but for the memory of one instance. */
const STORES = [['PostgreSQL', ''] as const, ...(REDIS_URL ? [['Redis', REDIS_URL] as const] : [])]

test.each(STORES)(
  'in %s, of 20 requests at once with a key on two instances exactly 10 pass its limit of 10',
  async (_, redisUrl) => {
    const [a, b] = await givenTwo({ REDIS_URL: redisUrl })
    const admin = await givenPerson(a)
    for (let round = 0; round < 50; round += 1) {
      const { secret } = await givenApiKey(a, admin, { rateLimitPerMinute: 10 })
      const answers = await atOnce(20, (turn) => sendWithKey(turn % 2 ? a : b, secret, WHO))
      expect(passed(answers)).toBe(10)
      for (const answer of answers.filter(({ status }) => status !== 200)) expectLimited(answer, 'api-key', 10)
    }
  },
  180_000,
)

test("a key without a limit of its own has the server's", async () => {
  const server = await given({ RATE_LIMIT_API_KEY_PER_MINUTE: '7' })
  const admin = await givenPerson(server)
  const { secret } = await givenApiKey(server, admin)
  const answers = await atOnce(10, () => sendWithKey(server, secret, WHO))
  expect(passed(answers)).toBe(7)
  const other = await givenApiKey(server, admin, { rateLimitPerMinute: 3 })
  expect(passed(await atOnce(10, () => sendWithKey(server, other.secret, WHO)))).toBe(3)
})

test('a key and those that it was rotated to share one limit', async () => {
  const server = await given({})
  const admin = await givenPerson(server)
  const old = await givenApiKey(server, admin, { rateLimitPerMinute: 10 })
  const { secret } = await change(server, admin, ROTATE, { id: old.id, overlapSeconds: 600 })
  expect(passed(await atOnce(6, () => sendWithKey(server, old.secret, WHO)))).toBe(6)
  expect(passed(await atOnce(6, () => sendWithKey(server, secret, WHO)))).toBe(4)
  expectLimited(await sendWithKey(server, old.secret, WHO), 'api-key', 10)
})

test.each([
  ['REVOKED', REVOKE, {}],
  ['EXPIRED', ROTATE, { overlapSeconds: 0 }],
  ['INACTIVE', UPDATE, { isActive: false }],
])('a key that is %s uses up nothing of what its line has', async (reason, mutation, input) => {
  const server = await given({})
  const admin = await givenPerson(server)
  const old = await givenApiKey(server, admin, { rateLimitPerMinute: 3 })
  const { secret } = await change(server, admin, ROTATE, { id: old.id, overlapSeconds: reason === 'EXPIRED' ? 0 : 600 })
  if (reason !== 'EXPIRED') await change(server, admin, mutation, { id: old.id, ...input })
  for (let turn = 0; turn < 10; turn += 1) expectError(await sendWithKey(server, old.secret, WHO), 'FORBIDDEN', reason)
  expect(passed(await atOnce(5, () => sendWithKey(server, secret, WHO)))).toBe(3)
})

test('a key that has just been changed is let in as before, however many present it at once', async () => {
  const server = await given({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: '20' })
  const admin = await givenPerson(server)
  const { id, secret } = await givenApiKey(server, admin)
  for (let round = 0; round < 3; round += 1) {
    await change(server, admin, UPDATE, { id, name: `Renamed ${round}` })
    expect(passed(await atOnce(100, () => sendWithKey(server, secret, WHO)))).toBe(100)
  }
})

test('what an address sends without a credential keeps no key from being known', async () => {
  const server = await given({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: '5' })
  const { secret } = await givenApiKey(server, await givenPerson(server))
  await atOnce(10, () => server.send('{ __typename }'))
  expectLimited(await server.send('{ __typename }'), 'anonymous', 5)
  const answer = await sendWithKey(server, secret, WHO)
  expect(answer.errors).toEqual([])
  expect(answer.headers.get('ratelimit-policy')).toBe('"api-key";q=1000000;w=60')
})

test("a key's own limit is bounded by the server's", async () => {
  const server = await given({ RATE_LIMIT_API_KEY_MAX_PER_MINUTE: '100' })
  const admin = await givenPerson(server)
  const { id } = await givenApiKey(server, admin, { rateLimitPerMinute: 100 })
  for (const rateLimitPerMinute of [101, 0, -1]) {
    const answer = await server.send(UPDATE, { token: admin.token, variables: { input: { id, rateLimitPerMinute } } })
    expectError(answer, 'BAD_USER_INPUT')
  }
})

test("a key's new limit is in force at once", async () => {
  const server = await given({})
  const admin = await givenPerson(server)
  const { id, secret } = await givenApiKey(server, admin, { rateLimitPerMinute: 2 })
  expect(passed(await atOnce(4, () => sendWithKey(server, secret, WHO)))).toBe(2)
  await change(server, admin, UPDATE, { id, rateLimitPerMinute: 100 })
  expect(passed(await atOnce(4, () => sendWithKey(server, secret, WHO)))).toBe(4)
})

test('a user has one limit, whichever token, and others have their own', async () => {
  const server = await given({ RATE_LIMIT_USER_PER_MINUTE: '20' })
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'VIEWER')
  const before = 1
  const again = await server.send('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
    variables: { input: { email: admin.email, password: admin.password } },
  })
  const tokens = [admin.token, again.data.login.accessToken as string]
  const answers = await atOnce(30, (turn) => server.send(WHO, { token: tokens[turn % 2]! }))
  expect(passed(answers)).toBe(20 - before)
  expectLimited(await server.send(WHO, { token: admin.token }), 'user', 20)
  expect((await server.send(WHO, { token: member.token })).status).toBe(200)
})

test('who brings no credential that is accepted is counted by address, the good ones are not', async () => {
  const server = await given({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: '12' })
  const admin = await givenPerson(server)
  const { secret } = await givenApiKey(server, admin)
  expect((await sendWithKey(server, secret, WHO)).status).toBe(200)
  for (let turn = 0; turn < 20; turn += 1) expect((await server.send(WHO, { token: admin.token })).status).toBe(200)
  // One to register, and these.
  const attempts = [
    () => server.send('{ __typename }'),
    () => server.send(WHO, { token: 'eyJhbGciOiJub25lIn0.e30.' }),
    () => sendWithKey(server, 'tk_test_nonsense', WHO),
    () => sendWithKey(server, newApiKeySecret('test'), WHO),
    () => server.send(WHO, { headers: { 'x-tenant-api-key': secret } }),
    () => server.send(WHO, { headers: { authorization: 'Basic YTpi' } }),
  ]
  for (let turn = 0; turn < 11; turn += 1) {
    const answer = await attempts[turn % attempts.length]!()
    expect(answer.errors.map(({ extensions }) => extensions.code)).not.toContain('RATE_LIMITED')
  }
  for (const attempt of attempts) expectLimited(await attempt(), 'anonymous', 12)
  expect((await server.send(WHO, { token: admin.token })).status).toBe(200)
  expect((await sendWithKey(server, secret, WHO)).status).toBe(200)
})

test('an unknown key is refused for its number before it is looked up', async () => {
  const server = await given({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: '5' })
  const answers: Answer[] = []
  for (let turn = 0; turn < 5; turn += 1) answers.push(await sendWithKey(server, newApiKeySecret('test'), WHO))
  for (const answer of answers) expectError(answer, 'UNAUTHENTICATED', 'INVALID')
  const begun = jest.spyOn(server.app.services.database.orm.em.getConnection(), 'begin')
  expectLimited(await sendWithKey(server, newApiKeySecret('test'), WHO), 'anonymous', 5)
  expect(begun).not.toHaveBeenCalled()
})

test('the address is that of the trusted hop, and all of an IPv6 /64 is one', async () => {
  const server = await given({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2', TRUST_PROXY_HOPS: '1' })
  const from = (address: string) => server.send('{ __typename }', { headers: { 'x-forwarded-for': address } })
  expect(passed([await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')])).toBe(2)
  expect((await from('192.0.2.2')).status).toBe(200)
  // What the client itself put in front is not believed.
  expectLimited(await from('198.51.100.9, 192.0.2.1'), 'anonymous', 2)
  const ofOneNet = [await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8:0:0:ffff::3')]
  expect(passed(ofOneNet)).toBe(2)
  expect((await from('2001:db8:0:1::1')).status).toBe(200)
})

test('each answer tells what is left, whatever became of the request', async () => {
  const server = await given({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: '50', RATE_LIMIT_USER_PER_MINUTE: '40' })
  const admin = await givenPerson(server)
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
  const mine = { authorization: `Bearer ${admin.token}` }
  const answers = [
    [200, 'user', await post('{"query":"{ me { id } }"}', mine)],
    [200, 'anonymous', await post('{"query":"{ __typename }"}')],
    [401, 'anonymous', await post('{"query":"{ me { id } }"}')],
    [401, 'anonymous', await post('{"query":"{ me { id } }"}', { authorization: 'Bearer nonsense' })],
    [403, 'user', await post('{"query":"{ platform { user(id: \\"1\\") { id } } }"}', mine)],
    [200, 'user', await post('{"query":"{ nothing }"}', mine)],
    [400, 'anonymous', await post('{ no json')],
    [415, 'anonymous', await post('<query/>', { 'content-type': 'text/xml' })],
    [413, 'anonymous', await post(JSON.stringify({ query: 'x'.repeat(200_000) }))],
    [405, 'anonymous', await fetch(`${server.url}/graphql`, { method: 'DELETE' })],
    [
      400,
      'anonymous',
      await fetch(`${server.url}/graphql?query=%7B__typename%7D`, { headers: { origin: 'https://x.example' } }),
    ],
  ] as const
  for (const [status, policy, answer] of answers) {
    const limit = policy === 'user' ? 40 : 50
    expect([answer.status, answer.headers.get('ratelimit-policy')]).toEqual([status, `"${policy}";q=${limit};w=60`])
    expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"${policy}";r=\\d+;t=\\d+$`))
  }
  const remaining = (answer: Response) => Number(/r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1])
  const first = remaining(await post('{"query":"{ me { id } }"}', mine))
  expect(remaining(await post('{"query":"{ me { id } }"}', mine))).toBe(first - 1)
})
