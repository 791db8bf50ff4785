import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { externalAlgorithms, type ExternalAlgorithm } from './trusted-issuer.ts'

/** A set of more keys is none that an issuer signs with. */
const MOST_KEYS = 100
const LEAST_RSA_BITS = 2_048
/** Beyond it, one signature takes milliseconds to check. */
const MOST_RSA_BITS = 8_192
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
  /** The one key that fits; null where there is none, or more than one. */
  find(hint: KeyHint): KeyObject | null
}

interface PublishedKey {
  readonly kid: string | undefined
  /** The one algorithm that it is for, where it says so. */
  readonly alg: string | undefined
  readonly key: KeyObject
}

/**
 * Reads a key set (RFC 7517 §5). What is in it and does not fit is left out: other kinds of keys, weak ones, those for
 * encryption, and every `kid` that is there twice, since which of two keys is meant would be a guess.
 * @throws Error where it has too many
 */
export function readKeySet({ keys: jwks }: { keys: readonly JsonWebKey[] }): KeySet {
  if (jwks.length > MOST_KEYS) throw new Error('the key set has too many keys')
  const kids = jwks.map(({ kid }) => kid)
  const isUnique = (kid: unknown) => kid === undefined || kids.indexOf(kid) === kids.lastIndexOf(kid)
  const usable = jwks.filter(({ kid }) => isUnique(kid)).flatMap(usableKey)
  return {
    find({ alg, kid }) {
      const fitting = usable.filter((one) => (kid === undefined || one.kid === kid) && fits(one, alg))
      // RFC 7515 §4.1.4: without a `kid` nothing says which of several is meant.
      return fitting.length === 1 ? (fitting[0]?.key ?? null) : null
    },
  }
}

function usableKey(jwk: JsonWebKey): PublishedKey[] {
  const { kid, alg, use, key_ops: operations } = jwk
  if (kid !== undefined && typeof kid !== 'string') return []
  if (alg !== undefined && !externalAlgorithms.includes(alg as ExternalAlgorithm)) return []
  if (use !== undefined && use !== 'sig') return []
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return []
  const key = publicKeyOf(jwk)
  return key ? [{ kid, alg: alg as string | undefined, key }] : []
}

/** The key, where it is one that verifies and is strong enough. */
function publicKeyOf(jwk: JsonWebKey): KeyObject | null {
  // A secret is none that everybody can read, and a private key that is published signs for everybody.
  if (jwk.kty !== 'RSA' && jwk.kty !== 'EC') return null
  if (jwk.d !== undefined) return null
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    return key.asymmetricKeyType === 'ec' || isStrongRsa(key) ? key : null
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
