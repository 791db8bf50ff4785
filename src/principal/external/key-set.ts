import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { externalAlgorithms, type ExternalAlgorithm } from './trusted-issuer.ts'

/** A set of more keys is none that an issuer signs with. */
const MOST_KEYS = 100
const LEAST_RSA_BITS = 2_048
/** Beyond it, one signature takes milliseconds to check. */
const MOST_RSA_BITS = 8_192
/** A member of more characters is of no key that is used. To read an exponent of 128 KiB takes seconds. */
const MOST_MODULUS_CHARACTERS = 1_400
const MOST_EXPONENT_CHARACTERS = 16
const MOST_KID_CHARACTERS = 512
const LEAST_EXPONENT = 3n
const MOST_EXPONENT = 2n ** 32n

/** The curve of each ECDSA algorithm (RFC 7518 §3.4), as Node names it. */
const CURVES: Partial<Record<ExternalAlgorithm, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

/** What a token says of the key that it is signed with. */
export interface KeyHint {
  readonly alg: ExternalAlgorithm
  /** Left out: the one key that fits. */
  readonly kid?: string
}

/** The keys that an issuer has published, as far as they verify anything. */
export interface KeySet {
  /** How many keys it keeps. */
  readonly size: number
  /** The one key that fits; null where there is none, or more than one. */
  find(hint: KeyHint): KeyObject | null
}

interface PublishedKey {
  readonly kid: string | undefined
  /** The one algorithm that it is for, where it says so. */
  readonly alg: string | undefined
  readonly key: KeyObject
}

/** Any member may be there, of any type. */
type Jwk = Readonly<Record<string, unknown>>

/**
 * Reads a key set (RFC 7517 §5). What is in it and does not fit is left out: other kinds of keys, weak ones, those for
 * encryption, and every `kid` that is there twice, since which of two keys is meant would be a guess. Of the document
 * nothing is kept but the keys, and what they say of themselves.
 * @param document what was fetched, of any type
 * @throws Error where it is no key set, or has too many keys
 */
export function readKeySet(document: unknown): KeySet {
  return keySetOf(usableKeys(document))
}

/** Apart from {@link usableKeys}: what lives as long as the set does must not see the document, or it would live as long. */
function keySetOf(keys: readonly PublishedKey[]): KeySet {
  return {
    size: keys.length,
    find({ alg, kid }) {
      const fitting = keys.filter((one) => (kid === undefined || one.kid === kid) && fits(one, alg))
      // RFC 7515 §4.1.4: without a `kid` nothing says which of several is meant.
      return fitting.length === 1 ? (fitting[0]?.key ?? null) : null
    },
  }
}

function usableKeys(document: unknown): PublishedKey[] {
  const jwks = isObject(document) ? document.keys : null
  if (!Array.isArray(jwks)) throw new Error('JSON Web Key Set malformed')
  if (jwks.length > MOST_KEYS) throw new Error('the key set has too many keys')
  if (!jwks.every(isObject)) throw new Error('JSON Web Key Set malformed')
  const kids = jwks.map(({ kid }) => kid)
  const isUnique = (kid: unknown) => kid === undefined || kids.indexOf(kid) === kids.lastIndexOf(kid)
  return jwks.filter(({ kid }) => isUnique(kid)).flatMap(usableKey)
}

const isObject = (value: unknown): value is Jwk => typeof value === 'object' && value !== null && !Array.isArray(value)

function usableKey(jwk: Jwk): PublishedKey[] {
  const { kid, alg, use, key_ops: operations } = jwk
  if (kid !== undefined && !isText(kid, MOST_KID_CHARACTERS)) return []
  if (alg !== undefined && !externalAlgorithms.includes(alg as ExternalAlgorithm)) return []
  if (use !== undefined && use !== 'sig') return []
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return []
  const key = publicKeyOf(jwk)
  return key ? [{ kid, alg: alg as string | undefined, key }] : []
}

function isText(value: unknown, mostCharacters: number): value is string {
  return typeof value === 'string' && value.length <= mostCharacters
}

/** The key, where it is one that verifies and is strong enough. */
function publicKeyOf({ kty, d, n, e, crv, x, y }: Jwk): KeyObject | null {
  // A private key that is published signs for everybody.
  if (d !== undefined) return null
  // A secret, `oct`, is none that everybody can read.
  if (kty === 'RSA' && isText(n, MOST_MODULUS_CHARACTERS) && isText(e, MOST_EXPONENT_CHARACTERS)) {
    const key = imported({ kty, n, e })
    return key && isStrongRsa(key) ? key : null
  }
  return kty === 'EC' ? imported({ kty, crv, x, y } as JsonWebKey) : null
}

function imported(jwk: JsonWebKey): KeyObject | null {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return null
  }
}

/** RFC 7518 §3.3, §3.5; an exponent of 1 would make every signature that of its own message. */
function isStrongRsa({ asymmetricKeyDetails: { modulusLength = 0, publicExponent = 0n } = {} }: KeyObject): boolean {
  if (modulusLength < LEAST_RSA_BITS || modulusLength > MOST_RSA_BITS) return false
  return publicExponent >= LEAST_EXPONENT && publicExponent < MOST_EXPONENT
}

/** RFC 8725 §3.1: the key says what it is used with, the token only agrees. */
function fits({ alg: own, key }: PublishedKey, alg: ExternalAlgorithm): boolean {
  if (own !== undefined && own !== alg) return false
  const curve = CURVES[alg]
  if (curve === undefined) return key.asymmetricKeyType === 'rsa'
  return key.asymmetricKeyDetails?.namedCurve === curve
}
