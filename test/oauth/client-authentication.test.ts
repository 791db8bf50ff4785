import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { change, givenApiKey, REVOKE, UPDATE, type GivenKey } from '../api-key/given-api-key.ts'
import { givenPerson, type Person, type TestServer } from '../harness.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { givenClock } from '../session/given-sessions.ts'
import {
  expectOAuthError,
  expectTooMany,
  expectUncached,
  refreshTokens,
  requestKeyToken,
  revokeToken,
  TOKEN,
  tokenIn,
} from './given-grants.ts'
import { basic, givenOAuthServer, sendForm, type OAuthAnswer } from './given-oauth.ts'

const GRANT = { grant_type: 'client_credentials' }
const { clock, advance } = givenClock()
const secrets: string[] = []
let server: TestServer
let admin: Person
let key: GivenKey

async function givenKey(person = admin, input: Record<string, unknown> = {}): Promise<GivenKey> {
  const given = await givenApiKey(server, person, input)
  secrets.push(given.secret)
  return given
}

beforeAll(async () => {
  server = await givenOAuthServer({ ACCESS_TOKEN_TTL_SECONDS: '86400' }, { clock })
  admin = await givenPerson(server)
})
beforeEach(async () => {
  key = await givenKey()
})
afterAll(() => server.close())

const withHeader = (authorization: string, parameters: Record<string, string> = {}) =>
  sendForm(server, TOKEN, { ...GRANT, ...parameters }, { headers: { authorization } })
const withBody = (parameters: Record<string, string>) => sendForm(server, TOKEN, { ...GRANT, ...parameters })
const encoded = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
/** Each character as a form would have it if it were an unusual one. */
const percent = (text: string) => text.replaceAll(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)

test.each<[string, (key: GivenKey) => Promise<OAuthAnswer>]>([
  ['in Basic', (of) => withHeader(basic(of))],
  ['in basic, in lower case', (of) => withHeader(basic(of).replace('Basic', 'basic'))],
  ['percent-encoded in Basic', ({ id, secret }) => withHeader(encoded(`${percent(id)}:${percent(secret)}`))],
  ['in Basic, with the same client_id in the body', (of) => withHeader(basic(of), { client_id: of.id })],
  ['in Basic, with the id in capitals', ({ id, secret }) => withHeader(basic({ id: id.toUpperCase(), secret }))],
  ['in the body', ({ id, secret }) => withBody({ client_id: id, client_secret: secret })],
])('a key authenticates by its id and secret %s', async (_, send) => {
  tokenIn(await send(key))
})

test.each<[string, (key: GivenKey) => Promise<OAuthAnswer>]>([
  ['in the header and the body', (of) => withHeader(basic(of), { client_id: of.id, client_secret: of.secret })],
  ['with a secret in the body, and a bearer', (of) => withHeader('Bearer x', { client_secret: of.secret })],
  ['with one id in the header and another in the body', (of) => withHeader(basic(of), { client_id: randomUUID() })],
  ['with a secret and no id', ({ secret }) => withBody({ client_secret: secret })],
])('a client %s is refused: which is meant would be a guess', async (_, send) => {
  expectOAuthError(await send(key), 'invalid_request')
})

test.each<[string, (key: GivenKey) => Promise<OAuthAnswer>]>([
  ["another's id", ({ secret }) => withHeader(basic({ id: randomUUID(), secret }))],
  ['an id that is none', ({ secret }) => withHeader(basic({ id: 'somebody', secret }))],
  ["another's id in the body", ({ secret }) => withBody({ client_id: randomUUID(), client_secret: secret })],
  ['the id of the public client', ({ secret }) => withHeader(basic({ id: 'tenantry', secret }))],
  ['an unknown secret', ({ id }) => withHeader(basic({ id, secret: newApiKeySecret('test') }))],
  ['a malformed secret', ({ id, secret }) => withHeader(basic({ id, secret: `${secret}x` }))],
  ['no secret in Basic', ({ id }) => withHeader(basic({ id, secret: '' }))],
  ['no secret in the body', ({ id }) => withBody({ client_id: id })],
  ['an empty secret in the body', ({ id }) => withBody({ client_id: id, client_secret: '' })],
  ['a public id that nobody has', () => withBody({ client_id: 'another' })],
  ['Basic without a colon', ({ secret }) => withHeader(encoded(secret))],
  ['Basic that is no base64', ({ id, secret }) => withHeader(`Basic ${id}:${secret}`)],
  ['Basic and nothing', () => withHeader('Basic ')],
  ['a % that encodes nothing', ({ id, secret }) => withHeader(encoded(`${id}:${secret}%`))],
  ['bytes that are not UTF-8', ({ id, secret }) => withHeader(encoded(`${id}:${secret}%ff`))],
  ['the secret as a bearer', ({ secret }) => withHeader(`Bearer ${secret}`)],
  ['a scheme that nobody knows', ({ secret }) => withHeader(`ApiKey ${secret}`)],
  ['X-Api-Key', ({ secret }) => sendForm(server, TOKEN, GRANT, { headers: { 'x-api-key': secret } })],
])('a client with %s is not authenticated, and told how it would be', async (_, send) => {
  expectOAuthError(await send(key), 'invalid_client')
})

test("a user's access token authenticates no client", async () => {
  expectOAuthError(await withHeader(`Bearer ${admin.token}`), 'invalid_client')
})

test.each<[string, (person: Person, id: string) => Promise<unknown>]>([
  ['a revoked key', (person, id) => change(server, person, REVOKE, { id })],
  ['an inactive key', (person, id) => change(server, person, UPDATE, { id, isActive: false })],
  ['an expired key', async () => advance(60)],
  [
    'the key of a suspended organization',
    async ({ organizationId }) => operate(server, await givenOperator(server), 'suspend', organizationId),
  ],
])('%s authenticates nobody, from the next request on', async (_, end) => {
  const person = await givenPerson(server)
  const expiresAt = new Date(clock().getTime() + 60_000).toISOString()
  const ending = await givenKey(person, { expiresAt })
  tokenIn(await requestKeyToken(server, ending))
  await end(person, ending.id)
  expectOAuthError(await requestKeyToken(server, ending), 'invalid_client')
})

test('the one who has the right secret and the wrong id learns no more than who has neither', async () => {
  const [id, unknown] = [randomUUID(), newApiKeySecret('test')]
  const known = await withHeader(basic({ id, secret: key.secret }))
  expect(known.body).toEqual((await withHeader(basic({ id, secret: unknown }))).body)
})

test('credentials in the URL are none', async () => {
  const query = new URLSearchParams({ ...GRANT, client_id: key.id, client_secret: key.secret }).toString()
  expectOAuthError(await sendForm(server, `${TOKEN}?${query}`, GRANT), 'invalid_client')
  expectOAuthError(await sendForm(server, `${TOKEN}?${query}`, ''), 'invalid_request')
})

test('who does not authenticate is counted under the address, and a key under its own limit', async () => {
  const limited = await givenOAuthServer({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: '6' })
  try {
    const person = await givenPerson(limited)
    const good = await givenApiKey(limited, person)
    const wrong = { id: good.id, secret: newApiKeySecret('test') }
    for (let turn = 0; turn < 5; turn += 1) {
      expectOAuthError(await requestKeyToken(limited, turn % 2 ? wrong : null), 'invalid_client')
    }
    for (const client of [wrong, null]) expectTooMany(await requestKeyToken(limited, client))
    for (const send of [refreshTokens, revokeToken]) expectTooMany(await send(limited, person.refreshToken))
    const answer = await requestKeyToken(limited, good)
    tokenIn(answer)
    expect(answer.headers.get('ratelimit-policy')).toBe('"api-key";q=1000000;w=60')
  } finally {
    await limited.close()
  }
})

test('no secret is in an answer or in the log', async () => {
  const sends = [
    withHeader(basic(key)),
    withBody({ client_id: key.id, client_secret: key.secret }),
    withHeader(basic(key), { client_secret: key.secret }),
    withHeader(basic({ id: key.secret, secret: key.secret })),
    withHeader(`Bearer ${key.secret}`),
    withBody({ client_id: key.secret }),
    withBody({ [key.secret]: '1', grant_type: key.secret, scope: key.secret }),
    sendForm(server, `${TOKEN}?client_secret=${key.secret}`, ''),
    sendForm(server, `${TOKEN}/${key.secret}`, ''),
  ]
  for (const { body } of await Promise.all(sends)) expect(JSON.stringify(body)).not.toContain(key.secret.slice(8, 40))
  await fetch(`${server.url}${TOKEN}?client_secret=${key.secret}`)
  const lines = server.logged.join('')
  expect(lines).toContain('/oauth/token')
  for (const secret of secrets) expect(lines).not.toContain(secret.slice(8, 40))
  expect(lines).not.toContain(basic(key).slice(6))
})

test('a good answer is kept by nobody', async () => {
  expectUncached(await requestKeyToken(server, key))
})
