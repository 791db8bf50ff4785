import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { keySetSource } from '../../../src/principal/external/key-set-source.ts'
import { givenIssuer, sendJson, type Issuer } from './given-issuer.ts'
import { trustedBySettings } from './given-settings.ts'
import { givenTlsServer } from './given-tls.ts'

let issuer: Issuer
let now = 0
beforeEach(async () => {
  issuer = await givenIssuer()
})
afterEach(() => issuer.close())

const sourceOf = (name: string) => keySetSource(trustedBySettings({ issuer: name }), () => now)
const hint = { alg: 'RS256', kid: 'first' } as const
const metadata = (body: unknown) => (issuer.answering = (_, response) => sendJson(response, body))
const causeOf = (fetch: () => Promise<unknown>) =>
  fetch().then(
    () => null,
    (error: unknown) => (error as Error).cause,
  )

test('the keys are where the metadata says, which is believed for an hour', async () => {
  const fetch = sourceOf(issuer.issuer)
  expect((await fetch()).find(hint)).not.toBeNull()
  now += 3_599_999
  expect((await fetch()).find(hint)).not.toBeNull()
  expect(issuer.asked).toEqual({ metadata: 1, keys: 2 })
  now += 1
  await fetch()
  expect(issuer.asked).toEqual({ metadata: 2, keys: 3 })
})

test('where the keys are no longer there, the metadata is asked again', async () => {
  const fetch = sourceOf(issuer.issuer)
  await fetch()
  issuer.answering = (_, response) => void response.writeHead(410).end()
  expect(await causeOf(fetch)).toBe('status 410')
  issuer.answering = null
  issuer.jwksUri = `${issuer.issuer}/elsewhere`
  expect((await fetch()).find(hint)).not.toBeNull()
  expect(issuer.asked.metadata).toBe(2)
})

test('an issuer whose name ends in a slash has its metadata below it', async () => {
  const name = `${issuer.issuer}/`
  issuer.answering = (request, response) => {
    expect(request.url).toBe('/.well-known/openid-configuration')
    sendJson(response, { issuer: issuer.issuer, jwks_uri: issuer.jwksUri })
  }
  expect(await causeOf(sourceOf(name))).toBe("the metadata is another issuer's")
})

test.each<[string, (own: Issuer) => unknown, string]>([
  [
    'of another issuer',
    ({ jwksUri }) => ({ issuer: 'https://another.test', jwks_uri: jwksUri }),
    "the metadata is another issuer's",
  ],
  ['without an issuer', ({ jwksUri }) => ({ jwks_uri: jwksUri }), 'the metadata is none'],
  ['without the address of keys', ({ issuer: name }) => ({ issuer: name }), 'the metadata is none'],
  ['that is a list', () => [], 'the metadata is none'],
  [
    'with an address that is none',
    ({ issuer: name }) => ({ issuer: name, jwks_uri: 'keys' }),
    'the metadata names no address of keys',
  ],
  [
    'with keys in a file',
    ({ issuer: name }) => ({ issuer: name, jwks_uri: 'file:///etc/passwd' }),
    'the address must be an https URL',
  ],
])('metadata %s is refused', async (_, body, cause) => {
  metadata(body(issuer))
  expect(await causeOf(sourceOf(issuer.issuer))).toBe(cause)
  expect(issuer.asked.keys + issuer.asked.metadata).toBe(1)
})

test('an issuer with TLS has keys with TLS', async () => {
  const secure = await givenTlsServer((_, response) => sendJson(response, { issuer: name, jwks_uri: issuer.jwksUri }))
  const name = `https://localhost:${secure.port}`
  expect(await causeOf(sourceOf(name))).toBe('the metadata names keys without TLS')
  expect(issuer.asked.keys).toBe(0)
  await secure.close()
})
