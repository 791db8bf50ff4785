import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { join } from 'node:path'
import { isExample, leastSecretBytes } from './example-secret.ts'
import { loadOrCreateFile } from './secret-files.ts'

export type SigningAlgorithm = 'HS256' | 'RS256' | 'PS256' | 'ES256'

/** Where the keys of access tokens come from. `config.tokens` has all but the last two. */
export interface SigningKeySettings {
  /** JWT_SECRET, for HS256. */
  readonly secret: string | null
  /** JWT_PRIVATE_KEY: PKCS #8 or PKCS #1, RSA or P-256. */
  readonly signingKeyPem: string | null
  /** JWT_VERIFICATION_KEY_FILES: keys that signed before. Only their public part is kept. */
  readonly verificationKeyPems: readonly string[]
  /** JWT_RSA_ALGORITHM: what every RSA key is used with. The other one's tokens are refused from then on. */
  readonly rsaAlgorithm?: 'RS256' | 'PS256'
  readonly production: boolean
  /** The directory where a key is made if none is given; null: a key must be given. Not for production. */
  readonly generateInto: string | null
}

/** RFC 7517 §4. Public members only. */
export interface PublicJwk {
  readonly kty: string
  readonly use: 'sig'
  readonly alg: SigningAlgorithm
  readonly kid: string
  readonly n?: string
  readonly e?: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
}

export interface VerificationKey {
  readonly algorithm: SigningAlgorithm
  /** A public key, or the HMAC secret. */
  readonly key: KeyObject
}

export interface SigningKeys {
  /** A private key, or the HMAC secret. */
  readonly signing: { readonly kid: string; readonly algorithm: SigningAlgorithm; readonly key: KeyObject }
  /** What verifies. RFC 8725 §3.1: one algorithm a key, so that a token cannot choose how its key is used. */
  readonly byKid: ReadonlyMap<string, VerificationKey>
  /** The key set to publish. An HMAC secret is never in it. */
  jwks(): { keys: readonly PublicJwk[] }
  /** Where the keys are shared with other instances, which change them; without it they never change. */
  readonly shared?: KeySharing
}

/** How an instance learns that the keys have changed. */
export interface KeySharing {
  /** False while changes may be missed. */
  isLive(): boolean
  /** Whether a key is known and verifies nothing any more: it is not worth a reading. */
  hasEnded(kid: string): boolean
  /** For use while changes may be missed: reads the keys, unless that was begun within the last half second. */
  keepUp(): Promise<void>
  /** For a key that is not known: reads the keys after this call, but at most once a second for all callers together. */
  readAgain(): Promise<void>
}

/** A key that verifies, as it is published. */
export interface PublishedKey extends VerificationKey {
  readonly jwk: PublicJwk
}

/** The size of RSA keys that are made, and the least of those that are given. */
export const leastRsaBits = 2048

/**
 * Makes the keys that sign and verify access tokens. Synchronous: for the start of the server.
 * @throws Error naming every mistake at once: none or two signing keys, a secret below 32 bytes, an example secret in
 *   production, a key that is neither RSA of 2,048 bits or more nor P-256, a key file that others may read.
 */
export function loadSigningKeys(settings: SigningKeySettings): SigningKeys {
  const mistakes = [...mistakesIn(settings)]
  const older = verificationKeys(settings, mistakes)
  const privateKey = attempt(mistakes, () => privateKeyOf(settings, mistakes.length === 0))
  const own =
    privateKey &&
    attempt(mistakes, () => publishedKey(createPublicKey(privateKey), settings.rsaAlgorithm, 'JWT_PRIVATE_KEY'))
  const hmac = settings.secret === null ? null : hmacKey(settings.secret)
  const signing = own ? { kid: own.jwk.kid, algorithm: own.algorithm, key: privateKey } : hmac
  if (mistakes.length > 0 || !signing) throw notUsable(mistakes)
  const published = [own, ...older].filter((key) => key !== null)
  return withSigning(signing, published)
}

/**
 * The keys of JWT_VERIFICATION_KEY_FILES alone, where others sign. Synchronous: for the start of the server.
 * @throws Error naming every one of them that is not usable.
 */
export function loadVerificationKeys(
  settings: Pick<SigningKeySettings, 'verificationKeyPems' | 'rsaAlgorithm'>,
): readonly PublishedKey[] {
  const mistakes: string[] = []
  const keys = verificationKeys(settings, mistakes)
  if (mistakes.length > 0) throw notUsable(mistakes)
  return keys
}

function verificationKeys(
  { verificationKeyPems, rsaAlgorithm }: Pick<SigningKeySettings, 'verificationKeyPems' | 'rsaAlgorithm'>,
  mistakes: string[],
): PublishedKey[] {
  const keys = verificationKeyPems.map((pem, index) => {
    const name = `JWT_VERIFICATION_KEY_FILES, key ${index + 1}`
    return attempt(mistakes, () => publishedKey(readPublicKey(pem, name), rsaAlgorithm, name))
  })
  return keys.filter((key) => key !== null)
}

function attempt<T>(mistakes: string[], make: () => T): T | null {
  try {
    return make()
  } catch (error) {
    mistakes.push((error as Error).message)
    return null
  }
}

const notUsable = (mistakes: readonly string[]) => new Error(`The signing keys are not usable: ${mistakes.join('; ')}`)

function* mistakesIn({ secret, signingKeyPem, generateInto, production }: SigningKeySettings): Generator<string> {
  if (secret !== null && signingKeyPem !== null) {
    yield 'JWT_SECRET and JWT_PRIVATE_KEY are both set, and which of them signs is ambiguous: set one'
  }
  if (secret !== null && Buffer.byteLength(secret) < leastSecretBytes) {
    yield `JWT_SECRET: ${leastSecretBytes} bytes or more are needed for HS256 (RFC 7518 §3.2)`
  } else if (secret !== null && production && isExample(secret)) {
    yield 'JWT_SECRET: looks like an example; make one with `openssl rand -base64 48`'
  }
  if (secret === null && signingKeyPem === null && (production || generateInto === null)) {
    yield 'JWT_SECRET or JWT_PRIVATE_KEY: one is required'
  }
}

function hmacKey(secret: string): SigningKeys['signing'] {
  const key = createSecretKey(Buffer.from(secret))
  // The id is public. 64 bits of an HMAC tell less about the secret than any token signed with it.
  const kid = createHmac('sha256', key).update('tenantry jwt key id').digest().subarray(0, 8).toString('base64url')
  return { kid, algorithm: 'HS256', key }
}

/** The keys as they are used: one that signs, and those that are published, in the order of their publication. */
export function withSigning(signing: SigningKeys['signing'], published: readonly PublishedKey[]): SigningKeys {
  const byKid = new Map(published.map(({ jwk, algorithm, key }) => [jwk.kid, { algorithm, key }]))
  if (signing.algorithm === 'HS256') byKid.set(signing.kid, { algorithm: signing.algorithm, key: signing.key })
  // By kid: the signing key may stand among the older ones too.
  const keys = [...new Map(published.map(({ jwk }) => [jwk.kid, jwk])).values()]
  return { signing, byKid, jwks: () => ({ keys }) }
}

/** The private key that is given, or the one in `generateInto`, which is made if it may be. */
function privateKeyOf(settings: SigningKeySettings, mayGenerate: boolean): KeyObject | null {
  const { secret, signingKeyPem, generateInto } = settings
  if (signingKeyPem !== null) return readPrivateKey(signingKeyPem, 'JWT_PRIVATE_KEY')
  if (secret !== null || generateInto === null || !mayGenerate) return null
  const path = join(generateInto, 'jwt-signing-key.pem')
  return readPrivateKey(loadOrCreateFile(path, newRsaKey), path)
}

function newRsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: leastRsaBits })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function readPrivateKey(pem: string, name: string): KeyObject {
  try {
    return createPrivateKey(unescaped(pem))
  } catch {
    // OpenSSL's own message is left out: it may be about what the key contains.
    throw new Error(`${name}: not an unencrypted private key in PEM`)
  }
}

/**
 * A public key with its algorithm and its id, which is its thumbprint (RFC 7638).
 * @param name what to call it in an error
 * @throws Error where it is neither RSA of 2,048 bits or more nor P-256.
 */
export function publishedKey(key: KeyObject, rsaAlgorithm: 'RS256' | 'PS256' = 'RS256', name = 'key'): PublishedKey {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  const isRsa = key.asymmetricKeyType === 'rsa'
  if (isRsa && modulusLength < leastRsaBits) throw new Error(`${name}: RSA keys need ${leastRsaBits} bits or more`)
  if (!isRsa && namedCurve !== 'prime256v1') throw new Error(`${name}: neither an RSA key nor one on P-256`)
  const algorithm = isRsa ? rsaAlgorithm : 'ES256'
  const { kty = '', n, e, crv, x, y } = key.export({ format: 'jwk' })
  const members = isRsa ? { e, kty, n } : { crv, kty, x, y }
  return { algorithm, key, jwk: { use: 'sig', alg: algorithm, kid: thumbprintOf(members), ...members, kty } }
}

/** RFC 7638 §3: the required members in the order of their names, no white space. Callers give them in that order. */
function thumbprintOf(members: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

function readPublicKey(pem: string, name: string): KeyObject {
  try {
    return createPublicKey(unescaped(pem))
  } catch {
    throw new Error(`${name}: not a key in PEM`)
  }
}

/** Where a variable holds one line only, PEM is written with `\n` in two characters. */
const unescaped = (pem: string) => pem.replaceAll('\\n', '\n')
