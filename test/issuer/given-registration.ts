import { expect } from '@jest/globals'
import type { Answer, Person, TestServer } from '../harness.ts'
import { givenKeyPair, nowSeconds, sendJson, tokenOf, type KeyPair } from '../principal/external/given-issuer.ts'
import { givenTlsServer } from '../principal/external/given-tls.ts'

const FIELDS = `id iss jwksUri audiences algorithms scopeClaim scopeMap { scope grants } maxScopes
  createdBy { id } createdAt disabledAt`

export const REGISTER = `mutation ($input: RegisterIssuerInput!) {
  registerIssuer(input: $input) { issuer { ${FIELDS} } }
}`
export const DISABLE = `mutation ($input: DisableIssuerInput!) { disableIssuer(input: $input) { issuer { ${FIELDS} } } }`
export const LIST = `{ issuers { totalCount nodes { ${FIELDS} } } }`
export const WHO = '{ principal { kind subject role scopes organization { id } } }'

/** Where providers may be in the tests: on this machine. */
export const onThisMachine = { ISSUER_PRIVATE_HOSTS: 'localhost' }

/** A registration that needs nobody to be there. */
export const good = { iss: 'https://id.example.com', audiences: ['the-api'], maxScopes: ['read:*'] }

/** Somebody with users and TLS, on this machine: what a customer would register. */
export interface Provider {
  issuer: string
  jwksUri: string
  /** Its keys; also those of whoever only says to be it. */
  keys: KeyPair[]
  /** How many connections were made to it. */
  connections(): number
  token(claims?: Record<string, unknown>, key?: KeyPair): string
  close(): Promise<void>
}

/** Starts a provider with metadata at the usual place. @param jwksUri what the metadata says, instead of its own */
export async function givenProvider(jwksUri?: string): Promise<Provider> {
  const keys = [givenKeyPair('first', 'ES256')]
  const server = await givenTlsServer((request, response) => {
    if (request.url === '/moved') return response.writeHead(302, { location: jwksUri }).end()
    const isMetadata = request.url === '/.well-known/openid-configuration'
    const metadata = { issuer: provider.issuer, jwks_uri: jwksUri ?? provider.jwksUri }
    sendJson(response, isMetadata ? metadata : { keys: keys.map(({ jwk }) => jwk) })
  })
  const issuer = `https://localhost:${server.port}`
  const provider: Provider = {
    issuer,
    jwksUri: `${issuer}/keys`,
    keys,
    connections: () => server.connections(),
    token(claims = {}, key = keys[0]!) {
      const iat = nowSeconds()
      const standard = { iss: issuer, sub: 'somebody', aud: 'the-api', iat, exp: iat + 600, scope: 'api:read' }
      return tokenOf({ alg: key.alg, kid: key.kid }, { ...standard, ...claims }, key.privateKey)
    },
    close: () => server.close(),
  }
  return provider
}

/** An issuer as the API shows it. */
export interface RegisteredIssuer {
  id: string
  iss: string
  jwksUri: string | null
  disabledAt: string | null
}

/** Registers whoever says this in `iss` for the person's organization. */
export async function givenRegistration(
  server: Pick<TestServer, 'send'>,
  person: Pick<Person, 'token'>,
  iss: string,
  input: Record<string, unknown> = {},
): Promise<RegisteredIssuer> {
  const answer = await server.send(REGISTER, {
    token: person.token,
    variables: { input: { ...good, algorithms: ['ES256'], iss, ...input } },
  })
  expect(answer.errors).toEqual([])
  return answer.data.registerIssuer.issuer
}

/** What the bearer of a token is told of themselves in an organization. */
export function askAs(
  server: Pick<TestServer, 'send'>,
  token: string,
  organizationId: string | null,
  query = WHO,
): Promise<Answer> {
  return server.send(query, { token, headers: organizationId === null ? {} : { 'x-tenant-id': organizationId } })
}
