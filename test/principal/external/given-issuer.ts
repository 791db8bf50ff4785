import { createHmac, generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface KeyPair {
  kid: string
  alg: string
  privateKey: KeyObject
  publicKey: KeyObject
  /** What the issuer publishes of it. */
  jwk: JsonWebKey
}

const CURVES: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

/** A key to sign with, and what is published of it. */
export function givenKeyPair(kid: string, alg = 'RS256', modulusLength = 2_048): KeyPair {
  const { privateKey, publicKey } = CURVES[alg]
    ? generateKeyPairSync('ec', { namedCurve: CURVES[alg] })
    : generateKeyPairSync('rsa', { modulusLength })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  return { kid, alg, privateKey, publicKey, jwk }
}

export const encoded = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** The signature of an algorithm over the first two parts of a token (RFC 7518 §3). */
export function signatureOf(input: string, alg: string, key: KeyObject): string {
  const hash = `sha${alg.slice(2)}`
  if (alg.startsWith('HS')) return createHmac(hash, key).update(input).digest('base64url')
  const padding = alg.startsWith('PS') ? { padding: 6, saltLength: Number(alg.slice(2)) / 8 } : {}
  return sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363', ...padding }).toString('base64url')
}

/** A token as somebody would make it who is bound by nothing. */
export function tokenOf(header: Record<string, unknown>, claims: unknown, key: KeyObject, alg = String(header.alg)) {
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${signatureOf(input, alg, key)}`
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void

/** An issuer on this machine: what it publishes, and how often it was asked. */
export interface Issuer {
  issuer: string
  jwksUri: string
  /** Published, in this order; may be changed at any time. */
  keys: KeyPair[]
  /** How many requests came for its keys, and for its metadata. */
  asked: { keys: number; metadata: number }
  /** Answers what comes from now on instead of the issuer; null: the issuer again. */
  answering: Answering | null
  /** A good token of it, but for what is given. Undefined takes a claim or header member away. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>, key?: KeyPair): string
  close(): Promise<void>
}

/** What {@link Issuer.token} says unless told otherwise. */
export const nowSeconds = () => Math.floor(Date.now() / 1_000)

/** Starts an issuer. */
export async function givenIssuer(alg = 'RS256'): Promise<Issuer> {
  const given: Omit<Issuer, 'token' | 'close'> = {
    ...{ issuer: '', jwksUri: '', keys: [givenKeyPair('first', alg)], answering: null },
    asked: { keys: 0, metadata: 0 },
  }
  const server = createServer((request, response) => {
    const isMetadata = request.url === '/.well-known/openid-configuration'
    given.asked[isMetadata ? 'metadata' : 'keys'] += 1
    const { issuer, jwksUri, keys, answering } = given
    if (answering) answering(request, response)
    else sendJson(response, isMetadata ? { issuer, jwks_uri: jwksUri } : { keys: keys.map(({ jwk }) => jwk) })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  given.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  given.jwksUri = `${given.issuer}/keys`
  return Object.assign(given, {
    token(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key = given.keys[0]) {
      if (!key) throw new Error('The issuer has no key')
      const now = nowSeconds()
      const standard = { iss: given.issuer, sub: 'somebody', aud: 'tenantry', iat: now, exp: now + 600 }
      const { kid, alg: keyAlg, privateKey } = key
      return tokenOf({ alg: keyAlg, kid, ...header }, { ...standard, scope: 'api:read', ...claims }, privateKey)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  })
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** The setting that trusts these issuers, each with what is given beside it. */
export const trusting = (...issuers: readonly [Issuer, Record<string, unknown>?][]): Record<string, string> => ({
  TRUSTED_ISSUERS: JSON.stringify(
    issuers.map(([{ issuer, jwksUri }, settings]) => ({
      ...{ issuer, jwksUri, audiences: ['tenantry'], maxScopes: ['read:*', 'write:projects'] },
      ...settings,
    })),
  ),
})
