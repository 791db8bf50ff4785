import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'openid-client'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenApiKey, PROJECTS, type GivenKey } from '../api-key/given-api-key.ts'
import { givenPerson, PASSWORD, type Person, type TestServer } from '../harness.ts'
import { givenIssuer, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { givenOAuthServer } from './given-oauth.ts'

let server: TestServer
let issuer: Issuer
let person: Person
let key: GivenKey

/** A client that nobody here wrote, after it has discovered the server. */
const discovered = (clientId: string, authentication: oauth.ClientAuth) =>
  oauth.discovery(new URL(server.url), clientId, {}, authentication, {
    algorithm: 'oauth2',
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out: the server is on this machine
    execute: [oauth.allowInsecureRequests],
  })
const publicClient = () => discovered('tenantry', oauth.None())

/** What an API gateway or another service does with an access token: RFC 9068 §4. */
const verified = (token: string) =>
  jwtVerify(token, createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`)), {
    issuer: server.url,
    audience: 'tenantry',
    typ: 'at+jwt',
    requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
  })

beforeAll(async () => {
  issuer = await givenIssuer()
  server = await givenOAuthServer({ OAUTH_PASSWORD_GRANT: 'true', ...trusting([issuer]) })
  person = await givenPerson(server)
  key = await givenApiKey(server, person, { scopes: ['read:*'] })
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})

test.each([
  ['client_secret_basic', oauth.ClientSecretBasic],
  ['client_secret_post', oauth.ClientSecretPost],
])(
  'openid-client obtains a token for an API key by %s, introspects and revokes it; jose verifies it',
  async (_, by) => {
    const client = await discovered(key.id, by(key.secret))
    const tokens = await oauth.clientCredentialsGrant(client, { scope: 'read:projects' })
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'read:projects' })
    expect(tokens.refresh_token).toBeUndefined()

    const { payload } = await verified(tokens.access_token)
    expect(payload).toMatchObject({ sub: key.id, client_id: key.id, organization: person.organizationId })
    const answer = await server.send(PROJECTS, { token: tokens.access_token })
    expect(answer.errors).toEqual([])

    const told = { active: true, client_id: key.id, scope: 'read:projects', iss: server.url, aud: 'tenantry' }
    expect(await oauth.tokenIntrospection(client, tokens.access_token)).toMatchObject(told)
    await oauth.tokenRevocation(client, tokens.access_token)
    expect(await oauth.tokenIntrospection(client, tokens.access_token)).toEqual({ active: false })
    expect((await server.send(PROJECTS, { token: tokens.access_token })).status).toBe(401)
  },
)

test('openid-client signs a user in by password, refreshes and revokes; jose verifies what it got', async () => {
  const client = await publicClient()
  const first = await oauth.genericGrantRequest(client, 'password', { username: person.email, password: PASSWORD })
  const second = await oauth.refreshTokenGrant(client, first.refresh_token!)
  expect(second.refresh_token).not.toBe(first.refresh_token)
  const { payload } = await verified(second.access_token)
  expect(payload).toMatchObject({ sub: person.userId, client_id: 'tenantry', organization: person.organizationId })

  await oauth.tokenRevocation(client, second.refresh_token!)
  await expect(oauth.refreshTokenGrant(client, second.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' })
  expect((await server.send('{ me { id } }', { token: second.access_token })).status).toBe(401)
})

test("openid-client exchanges a trusted issuer's token for one of the server's own", async () => {
  const client = await publicClient()
  const tokens = await oauth.genericGrantRequest(client, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: issuer.token({ organization: person.organizationId, given_name: 'Ada' }),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  })
  const { payload } = await verified(tokens.access_token)
  expect(payload).toMatchObject({ sub: `${issuer.issuer}#somebody`, scope: 'read:*' })
  const answer = await server.send('{ principal { kind subject scopes claims { issuer firstName } } }', {
    token: tokens.access_token,
  })
  expect(answer.data.principal).toEqual({
    kind: 'EXTERNAL',
    subject: `${issuer.issuer}#somebody`,
    scopes: ['read:*'],
    claims: { issuer: issuer.issuer, firstName: 'Ada' },
  })
})
