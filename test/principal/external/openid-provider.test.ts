import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import Provider from 'oidc-provider'
import { expectError, givenPerson, givenProject, startServer, type Person, type TestServer } from '../../harness.ts'

const SECRET = 'a secret of the client, for this test alone'

let server: TestServer
let ada: Person
let project: string
let issuer: string
let skewMs = 0
const asked: string[] = []

let answering: RequestListener = () => {}
const http = createServer((request, response) => {
  asked.push(request.url ?? '')
  answering(request, response)
})

function keyOf(kid: string): JsonWebKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }
}

/** The provider as it is set up with these keys; it signs with the first. */
function provide(...keys: JsonWebKey[]): void {
  const provider = new Provider(issuer, {
    jwks: { keys },
    scopes: ['api:read', 'api:write'],
    clients: [
      {
        ...{ client_id: 'dashboard', client_secret: SECRET, scope: 'api:read api:write' },
        ...{ grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, audience) => ({
          ...{ scope: 'api:read api:write', audience, accessTokenTTL: 600, accessTokenFormat: 'jwt' },
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    extraTokenClaims: () => ({ organization: ada.organizationId, email: 'dashboard@partner.test' }),
  })
  const callback = provider.callback()
  answering = (request, response) => void callback(request, response)
}

beforeAll(async () => {
  // The provider says what it lacks for production.
  jest.spyOn(console, 'warn').mockImplementation(() => {})
  jest.spyOn(console, 'info').mockImplementation(() => {})
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
  issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const trusted = { issuer, audiences: ['https://api.tenantry.test'], maxScopes: ['read:*', 'write:projects'] }
  const settings = { TRUSTED_ISSUERS: JSON.stringify([trusted]) }
  server = await startServer({ settings, clock: () => new Date(Date.now() + skewMs) })
  ada = await givenPerson(server, 'Acme')
  project = await givenProject(server, ada, 'Loom')
})
afterAll(async () => {
  await server.close()
  http.closeAllConnections()
  await new Promise((done) => http.close(done))
})

/** An access token, as the provider's own token endpoint gives it. */
async function tokenFor(resource = 'https://api.tenantry.test', scope = 'api:read'): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`dashboard:${encodeURIComponent(SECRET)}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
  })
  const body = (await response.json()) as { access_token?: string }
  if (!body.access_token) throw new Error(JSON.stringify(body))
  return body.access_token
}

const read = (token: string) => server.send('{ projects { nodes { id } } }', { token })
const expectRead = async (token: string) => {
  const answer = await read(token)
  expect(answer.errors).toEqual([])
  expect(answer.data.projects.nodes).toEqual([{ id: project }])
}
const askedForKeys = () => asked.filter((url) => url === '/jwks').length

test('a real provider is found by discovery, its tokens are accepted, and its keys may be changed', async () => {
  const [first, second] = [keyOf('first'), keyOf('second')]
  provide(first)
  const token = await tokenFor()
  const answers = await Promise.all(Array.from({ length: 20 }, () => read(token)))
  expect(answers.flatMap(({ errors }) => errors)).toEqual([])
  expect(asked.filter((url) => url === '/.well-known/openid-configuration')).toHaveLength(1)
  expect(askedForKeys()).toBe(1)

  // The new key is published beside the old one, and signs.
  provide(second, first)
  const newer = await tokenFor()
  skewMs += 30_000
  await expectRead(newer)
  await expectRead(token)
  expect(askedForKeys()).toBe(2)

  // The old one is withdrawn.
  provide(second)
  skewMs += 30_000
  expectError(
    await read(newer.replace(/^[^.]+/, Buffer.from('{"alg":"RS256","kid":"third"}').toString('base64url'))),
    'UNAUTHENTICATED',
  )
  expectError(await read(token), 'UNAUTHENTICATED', 'INVALID')
  await expectRead(newer)
})

test('who it says they are is who they are taken for', async () => {
  const answer = await server.send(
    '{ principal { kind subject scopes organization { id } claims { issuer email username } } }',
    {
      token: await tokenFor(),
    },
  )
  expect(answer.errors).toEqual([])
  expect(answer.data.principal).toEqual({
    ...{
      kind: 'EXTERNAL',
      subject: `${issuer}#dashboard`,
      scopes: ['read:*'],
      organization: { id: ada.organizationId },
    },
    claims: { issuer, email: 'dashboard@partner.test', username: null },
  })
})

test('its tokens for another service, and those with fewer scopes, do not do more', async () => {
  expectError(await read(await tokenFor('https://another.test')), 'UNAUTHENTICATED', 'INVALID')
  expectError(await read(await tokenFor(undefined, 'api:write')), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
})
