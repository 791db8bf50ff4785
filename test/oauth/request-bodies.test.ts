import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { givenApiKey, type GivenKey } from '../api-key/given-api-key.ts'
import { givenPerson, type TestServer } from '../harness.ts'
import { expectOAuthError, expectUncached, INTROSPECT, REVOKE_TOKEN, TOKEN, tokenIn } from './given-grants.ts'
import { basic, givenOAuthServer, sendForm, type OAuthAnswer } from './given-oauth.ts'

const FORM = 'application/x-www-form-urlencoded'
let server: TestServer
let key: GivenKey

beforeAll(async () => {
  server = await givenOAuthServer({ BODY_LIMIT_BYTES: '2000' })
  key = await givenApiKey(server, await givenPerson(server))
})
afterAll(() => server.close())

/** Sends what no client would, with a key that is good. */
async function send(path: string, init: RequestInit): Promise<OAuthAnswer> {
  const headers = { authorization: basic(key), ...(init.headers as Record<string, string>) }
  const response = await fetch(server.url + path, { method: 'POST', ...init, headers })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

describe.each([TOKEN, REVOKE_TOKEN, INTROSPECT])('%s', (path) => {
  test.each<[string, number, RequestInit]>([
    ['in JSON', 415, { body: '{"token":"x"}', headers: { 'content-type': 'application/json' } }],
    ['of no type', 415, { body: new Blob(['token=x']) }],
    ['in plain text', 415, { body: 'token=x', headers: { 'content-type': 'text/plain' } }],
    ['in several parts', 415, { body: new FormData() }],
    ['with a parameter twice', 400, { body: 'token=x&token=x', headers: { 'content-type': FORM } }],
    ['with an unknown parameter twice', 400, { body: 'token=x&a=1&a=2', headers: { 'content-type': FORM } }],
    ['with NUL in a parameter', 400, { body: 'token=x%00', headers: { 'content-type': FORM } }],
    ['in bytes that are not UTF-8', 400, { body: Uint8Array.of(116, 61, 255), headers: { 'content-type': FORM } }],
    ['with nothing in it', 400, { body: '', headers: { 'content-type': FORM } }],
    ['that is not there', 400, {}],
    ['beyond the limit', 413, { body: `token=${'x'.repeat(2_000)}`, headers: { 'content-type': FORM } }],
  ])('refuses a body %s', async (_, status, init) => {
    expectOAuthError(await send(path, init), 'invalid_request', status)
  })

  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])('takes no %s', async (method) => {
    const form = method === 'GET' ? {} : { body: 'token=x', headers: { 'content-type': FORM } }
    const answer = await send(`${path}?token=x`, { method, ...form })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    expect(answer.body).toMatchObject({ error: 'invalid_request' })
  })

  test('answers what nobody may keep, also where it takes nothing', async () => {
    expectUncached(await send(`${path}?token=x`, { method: 'GET' }))
  })
})

test('a body that is too large is told to be that', async () => {
  const answer = await send(TOKEN, { body: `token=${'x'.repeat(2_000)}`, headers: { 'content-type': FORM } })
  expect(answer.body.error_description).not.toMatch(/must be application/)
})

test('a form is read, whatever is said of its charset, and what is not asked for is ignored', async () => {
  for (const type of [FORM, `${FORM};charset=UTF-8`, `${FORM}; charset=utf-8`]) {
    const body = 'grant_type=client_credentials&unknown=%F0%9F%8F%83&scope='
    tokenIn(await send(TOKEN, { body, headers: { 'content-type': type } }))
  }
})

test.each([
  ['no grant', {}, 'invalid_request'],
  ['an empty grant', { grant_type: '' }, 'invalid_request'],
  ['a grant that nobody knows', { grant_type: 'authorization_code' }, 'unsupported_grant_type'],
  ['a grant in capitals', { grant_type: 'CLIENT_CREDENTIALS' }, 'unsupported_grant_type'],
  ['a name of Object as its grant', { grant_type: 'constructor' }, 'unsupported_grant_type'],
  ['__proto__ as its grant', { grant_type: '__proto__' }, 'unsupported_grant_type'],
])('a token request with %s is refused', async (_, parameters, error) => {
  expectOAuthError(await sendForm(server, TOKEN, parameters, { client: key }), error)
})

test('a mistake inside tells nothing but the number of the request', async () => {
  const { orm } = server.app.services.database
  const fork = orm.em.fork.bind(orm.em)
  orm.em.fork = () => {
    throw new Error('relation does not exist')
  }
  try {
    const answer = await sendForm(server, TOKEN, { grant_type: 'refresh_token', refresh_token: `rt_${'A'.repeat(86)}` })
    expect(answer.status).toBe(500)
    expectUncached(answer)
    const requestId = answer.headers.get('x-request-id')
    expect(answer.body).toEqual({
      error: 'server_error',
      error_description: `Internal server error, request ${requestId}`,
    })
    expect(server.logged.join('')).toContain('relation does not exist')
  } finally {
    orm.em.fork = fork
  }
})
