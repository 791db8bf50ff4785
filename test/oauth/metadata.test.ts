import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { loadConfig, settingDefaults } from '../../src/config.ts'
import { oauthEndpoints } from '../../src/oauth/endpoints.ts'
import { discovery } from '../../src/oauth/metadata.ts'
import { givenApiKey, PROJECTS } from '../api-key/given-api-key.ts'
import { givenPerson, type TestServer } from '../harness.ts'
import { ecPem, rsaPem } from '../principal/given-tokens.ts'
import { givenKeyToken } from './given-grants.ts'
import { givenOAuthServer } from './given-oauth.ts'

const WELL_KNOWN = '/.well-known/oauth-authorization-server'
const JWKS = '/.well-known/jwks.json'

let server: TestServer
const open: TestServer[] = []
beforeAll(async () => {
  server = await givenOAuthServer()
})
afterAll(() => server.close())
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

/** A server with other settings. */
async function given(settings: Record<string, string>): Promise<TestServer> {
  const other = await givenOAuthServer(settings)
  open.push(other)
  return other
}

async function documentOf({ url }: TestServer, path = WELL_KNOWN): Promise<Record<string, unknown>> {
  const response = await fetch(url + path)
  expect(response.status).toBe(200)
  return (await response.json()) as Record<string, unknown>
}
const discoveredAs = (issuer: string) =>
  discovery({ config: loadConfig({ JWT_ISSUER: issuer }, '/dev/null'), scopes: server.app.services.scopes })
const keysOf = async (from: TestServer) => (await documentOf(from, JWKS)).keys as Record<string, unknown>[]

test('the metadata tell all that there is, and nothing that there is not', async () => {
  expect(await documentOf(server)).toEqual({
    issuer: server.url,
    token_endpoint: `${server.url}/oauth/token`,
    revocation_endpoint: `${server.url}/oauth/revoke`,
    introspection_endpoint: `${server.url}/oauth/introspect`,
    jwks_uri: `${server.url}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: ['refresh_token', 'client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    scopes_supported: server.app.services.scopes.known,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  })
})

test('the scopes are the ones that keys can have, and no wildcard', async () => {
  const { scopes_supported: scopes } = await documentOf(server)
  expect(scopes).toEqual(expect.arrayContaining(['read:projects', 'write:projects', 'read:gateways']))
  expect(JSON.stringify(scopes)).not.toContain('*')
})

test('the endpoints that it names are there', async () => {
  const document = await documentOf(server)
  for (const name of ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint']) {
    const response = await fetch(String(document[name]), { method: 'POST', body: new URLSearchParams() })
    expect([name, [400, 401].includes(response.status)]).toEqual([name, true])
  }
  expect((await fetch(String(document.jwks_uri))).status).toBe(200)
})

test('the password grant is told of where it is on', async () => {
  const { grant_types_supported: grants } = await documentOf(await given({ OAUTH_PASSWORD_GRANT: 'true' }))
  expect(grants).toContain('password')
})

test('anybody may keep the metadata and the keys for a while', async () => {
  for (const path of [WELL_KNOWN, JWKS]) {
    const { headers } = await fetch(server.url + path)
    expect([path, headers.get('cache-control')]).toEqual([path, 'public, max-age=300'])
    expect(headers.get('content-type')).toMatch(/^application\/(jwk-set\+)?json\b/)
  }
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('the metadata are nothing to %s to', async (method) => {
  const response = await fetch(server.url + WELL_KNOWN, { method })
  expect([404, 405]).toContain(response.status)
  expect(await response.text()).not.toContain('token_endpoint')
})

test('without a setting the issuer is where the server is found by default, on every port', async () => {
  const unset = await given({ JWT_ISSUER: '' })
  const issuer = `http://127.0.0.1:${settingDefaults.PORT ?? ''}`
  expect(await documentOf(unset)).toMatchObject({ issuer, token_endpoint: `${issuer}/oauth/token` })
})

test.each([
  ['https://id.example.com', WELL_KNOWN, 'https://id.example.com'],
  ['https://id.example.com/', WELL_KNOWN, 'https://id.example.com'],
  ['https://id.example.com:8443/a', `${WELL_KNOWN}/a`, 'https://id.example.com:8443/a'],
  ['https://id.example.com/tenants/acme', `${WELL_KNOWN}/tenants/acme`, 'https://id.example.com/tenants/acme'],
  ['https://id.example.com/tenants/acme/', `${WELL_KNOWN}/tenants/acme`, 'https://id.example.com/tenants/acme'],
])('of the issuer %s the metadata are at %s', (issuer, path, base) => {
  const found = discoveredAs(issuer)
  expect(found?.path).toBe(path)
  expect(found?.document).toMatchObject({
    issuer,
    token_endpoint: `${base}/oauth/token`,
    jwks_uri: `${base}/.well-known/jwks.json`,
  })
})

test.each([
  ...['tenantry', 'urn:example:tenantry', 'mailto:a@example.com', 'ftp://id.example.com', 'id.example.com/a'],
  ...['https://id.example.com?a=b', 'https://id.example.com?', 'https://id.example.com#a', 'https://id.example.com/#'],
])('of the issuer %s there are none', (issuer) => {
  expect(discoveredAs(issuer)).toBeNull()
})

test('an issuer with a path has its metadata there alone', async () => {
  const named = await given({ JWT_ISSUER: 'https://id.example.com/tenants/acme' })
  await documentOf(named, `${WELL_KNOWN}/tenants/acme`)
  for (const path of [WELL_KNOWN, `${WELL_KNOWN}/tenants`, `/tenants/acme${WELL_KNOWN}`]) {
    expect([path, (await fetch(named.url + path)).status]).toEqual([path, 404])
  }
})

test.each([
  ['/realm:acme', '/realmother'],
  ['/a%20b', '/a'],
  ['/a*b', '/a'],
])('the path %s of an issuer is a path, and no pattern of others', async (path, other) => {
  const issuer = `https://id.example.com${path}`
  const named = await given({ JWT_ISSUER: issuer })
  expect(await documentOf(named, WELL_KNOWN + path)).toMatchObject({ issuer })
  expect((await fetch(named.url + WELL_KNOWN + other)).status).toBe(404)
})

test('where there are no metadata, tokens are given all the same', async () => {
  const named = await given({ JWT_ISSUER: 'tenantry' })
  expect((await fetch(named.url + WELL_KNOWN)).status).toBe(404)
  const key = await givenApiKey(named, await givenPerson(named))
  expect((await named.send(PROJECTS, { token: await givenKeyToken(named, key) })).errors).toEqual([])
})

test.each([
  ['RS256', 'RSA', { JWT_PRIVATE_KEY: rsaPem() }],
  ['PS256', 'RSA', { JWT_PRIVATE_KEY: rsaPem(), JWT_RSA_ALGORITHM: 'PS256' }],
  ['ES256', 'EC', { JWT_PRIVATE_KEY: ecPem() }],
  ['RS256', 'RSA', shared('RS256')],
  ['ES256', 'EC', shared('ES256')],
])(
  'a published key for %s says all that a gateway asks for, and nothing that is private',
  async (alg, kty, settings) => {
    const [key, ...others] = await keysOf(await given(settings))
    expect(others).toEqual([])
    expect(key).toMatchObject({ alg, kty, use: 'sig', kid: expect.stringMatching(/^[\w-]+$/) })
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(name)
  },
)

/** Keys that the server makes for itself and all other instances. */
function shared(algorithm: string): Record<string, string> {
  return {
    JWT_PRIVATE_KEY: '',
    SIGNING_KEYS_ENCRYPTION_KEY: 'a key for the keys of this test, long enough',
    SIGNING_KEY_ALGORITHM: algorithm,
  }
}

test.each([
  ['https://id.example.com', false],
  ['http://id.example.com', true],
  ['https://id.example.com?a=b', true],
  ['tenantry', true],
])('in production, that nobody can discover %s is told: %j', (issuer, isTold) => {
  const { services } = server.app
  const before = server.logged.length
  const tokens = { ...services.config.tokens, issuer }
  oauthEndpoints({ ...services, config: { ...services.config, production: true, tokens } })
  expect(server.logged.slice(before).join('').includes('no client can discover')).toBe(isTold)
})

test('a shared secret is never published', async () => {
  const secret = 'a secret for this test alone, long enough'
  const sharing = await given({ JWT_SECRET: secret, JWT_PRIVATE_KEY: '' })
  expect(await keysOf(sharing)).toEqual([])
  for (const path of [WELL_KNOWN, JWKS]) {
    const text = await (await fetch(sharing.url + path)).text()
    expect(text).not.toContain(secret)
    expect(text).not.toContain(Buffer.from(secret).toString('base64url'))
  }
})
