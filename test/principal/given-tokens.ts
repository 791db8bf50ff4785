import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createAccessTokens, type AccessTokenSettings } from '../../src/principal/access-token.ts'
import type { UserTokenSubject } from '../../src/principal/access-token-claims.ts'
import { loadSigningKeys, type SigningKeySettings, type SigningKeys } from '../../src/principal/signing-keys.ts'

/** 2026-01-01, in milliseconds: where the clock of these tests stands. */
export const startMs = Date.UTC(2026, 0, 1)
export const startSeconds = startMs / 1000
export const ttlSeconds = 1800
export const secret = 'n0t-4n-ex4mple:uQ7cVbR2mZk9TfLxWp3sGd'

export const subject: UserTokenSubject = {
  kind: 'USER',
  client_id: 'tenantry',
  sub: '01930000-0000-7000-8000-0000000000a1',
  sid: '01930000-0000-7000-8000-000000000002',
  email: 'ada@acme.test',
  organization: '01930000-0000-7000-8000-000000000003',
  membership: '01930000-0000-7000-8000-000000000004',
  membershipVersion: 1,
  userVersion: 1,
  role: 'ADMIN',
  scope: 'read:projects write:projects',
  operator: false,
}

export function givenKeys(settings: Partial<SigningKeySettings> = {}): SigningKeys {
  const none = { secret: null, signingKeyPem: null, verificationKeyPems: [], production: false, generateInto: null }
  return loadSigningKeys({ ...none, ...settings })
}

export function givenTokens(keys: SigningKeys, settings: Partial<AccessTokenSettings> = {}) {
  const standard = { issuer: 'tenantry', audience: 'tenantry-api', ttlSeconds, clock: () => startMs }
  return createAccessTokens({ keys, ...standard, ...settings })
}

export function rsaPem(modulusLength = 2048): string {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

export function ecPem(namedCurve = 'P-256'): string {
  return generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

export const encoded = (text: string | Uint8Array) => Buffer.from(text).toString('base64url')

export function partsOf(token: string): [header: string, payload: string, signature: string] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, payload, signature]
}

export function jsonOf(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
}

/** Signs as somebody would who has the key and is not bound by the server's own care: HS256 or RS256. */
export function forged(key: KeyObject, header: string, payload: string | Uint8Array): string {
  const input = `${encoded(header)}.${encoded(payload)}`
  const signature =
    key.type === 'secret' ? createHmac('sha256', key).update(input).digest() : sign('sha256', Buffer.from(input), key)
  return `${input}.${encoded(signature)}`
}
