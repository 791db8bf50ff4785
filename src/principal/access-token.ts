import { hash, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import {
  contradictionIn,
  isCount,
  unacceptableClaim,
  type AccessTokenClaims,
  type AccessTokenSubject,
} from './access-token-claims.ts'
import { claimed, mostCharacters, partsOf, refused } from './compact-token.ts'
import type { CredentialMetrics, TokenCheck } from '../watching/credential-metrics.ts'
import { createMetrics } from '../watching/metrics.ts'
import { withCurrentKeys } from './current-keys.ts'
import type { SigningKeys, VerificationKey } from './signing-keys.ts'

export interface AccessTokenSettings {
  readonly keys: SigningKeys
  readonly issuer: string
  readonly audience: string
  /** How long a token is valid, and how long any token that is accepted may have been. */
  readonly ttlSeconds: number
  /** Milliseconds since 1970, as `Date.now`. */
  readonly clock: () => number
  /** How far the clocks of two instances may differ; 60 by default. */
  readonly leewaySeconds?: number
  readonly metrics?: CredentialMetrics
}

/** A token as the caller gets it. */
export interface IssuedAccessToken {
  readonly token: string
  readonly expiresAt: Date
  readonly expiresInSeconds: number
  readonly jti: string
}

/** A token that one of the keys has signed. */
interface SignedClaims {
  readonly claims: AccessTokenClaims
  readonly kid: string
  readonly key: VerificationKey
}

export interface AccessTokens {
  /**
   * Signs a new token, for as long as tokens live but not beyond `notAfter`.
   * @throws Error where it would be too long to be accepted; UNAUTHENTICATED with EXPIRED where `notAfter` has come.
   */
  issue(subject: AccessTokenSubject, notAfter?: Date | null): IssuedAccessToken
  /**
   * Reads a token that this server or another instance of it has issued.
   * Whether it has been revoked since is not asked here.
   * @throws UNAUTHENTICATED with MALFORMED, INVALID or EXPIRED; why exactly is in the error's `cause`, for the log only.
   */
  verify(text: string): AccessTokenClaims
  /** Whether it has read the token before, which says that it is one of its own, and nothing of whether it is good now. */
  hasRead(text: string): boolean
  /**
   * The same, by the keys as they are now on every instance. A promise only where they have to be read again first: while
   * changes may be missed, and for a token of our own whose key is not known.
   * @param beforeReading awaited before the database is asked for them
   */
  verifyCurrent(text: string, beforeReading: () => Promise<void>): AccessTokenClaims | Promise<AccessTokenClaims>
}

type Guarded = Record<string, unknown>

/** Tokens that are remembered, at about 1 KB each; the one that came longest ago goes first. */
const MOST_READ = 10_000
const mediaType = 'at+jwt'
const unknownKey = 'kid is not known'
const headerMembers: readonly string[] = ['alg', 'typ', 'kid']

/**
 * Makes the one place where access tokens are signed and read. jsonwebtoken computes the signatures; what it accepts
 * beyond RFC 8725 (an unknown `crit`, any `typ`, a missing or boundless `exp`, tokens of any size) is refused here.
 */
export function createAccessTokens(settings: AccessTokenSettings): AccessTokens {
  const { keys, issuer, ttlSeconds, clock, metrics = createMetrics().credentials } = settings
  const read = new LRUCache<string, SignedClaims>({ max: MOST_READ })
  function readInFull(text: string, name: string): SignedClaims {
    const signed = signedClaims(text, keys)
    assertOurs(signed.claims, settings)
    read.set(name, signed)
    return signed
  }
  // What a text says, and whether it is ours, depends on the settings and on its key, and on nothing else: it is read in full
  // once, and again when its key is another. Whether it is good now is asked each time.
  function verify(text: string): AccessTokenClaims {
    let check: TokenCheck = 'refused'
    try {
      const name = nameOf(text)
      const before = read.get(name)
      const isSame = before !== undefined && keys.byKid.get(before.kid) === before.key
      const { claims } = isSame ? before : metrics.verifyToken('own', () => readInFull(text, name))
      assertCurrent(claims, clock() / 1000, settings.leewaySeconds ?? 60)
      check = isSame ? 'remembered' : 'verified'
      return claims
    } finally {
      metrics.tokenChecked(check)
    }
  }
  return {
    issue(subject, notAfter = null) {
      const iat = Math.floor(clock() / 1000)
      const exp = Math.min(iat + ttlSeconds, notAfter ? Math.floor(notAfter.getTime() / 1000) : Infinity)
      if (exp <= iat) throw refused('EXPIRED', 'what it is issued for has expired')
      return metrics.makeToken(() => signed(subject, { iat, exp }, settings))
    },
    verify,
    hasRead: (text) => read.has(nameOf(text)),
    verifyCurrent: (text, beforeReading) =>
      withCurrentKeys(keys, { verify: () => verify(text), lacksKey: lacksKeyOf(text, issuer), beforeReading }),
  }
}

function signed(
  subject: AccessTokenSubject,
  { iat, exp }: Pick<AccessTokenClaims, 'iat' | 'exp'>,
  { keys, issuer, audience }: AccessTokenSettings,
): IssuedAccessToken {
  const jti = randomUUID()
  const { algorithm, kid, key } = keys.signing
  const claims: AccessTokenClaims = { iss: issuer, aud: audience, exp, iat, jti, ...subject }
  const token = jsonwebtoken.sign(claims, key, { algorithm, header: { alg: algorithm, typ: mediaType, kid } })
  if (token.length > mostCharacters) throw new Error(`An access token of ${token.length} characters is too long`)
  return { token, expiresAt: new Date(exp * 1000), expiresInSeconds: exp - iat, jti }
}

/** Whether a token was refused for its key alone, and says that it is from this issuer: another instance may have signed it. */
function lacksKeyOf(text: string, issuer: string) {
  return (error: unknown) => error instanceof Error && error.cause === unknownKey && claimed(text, 'iss') === issuer
}

/** Stands for the token in memory, where no token should be found. */
const nameOf = (text: string) => hash('sha256', text, 'base64')

/** The claims of a token that one of the keys has signed. */
function signedClaims(text: string, keys: SigningKeys): SignedClaims {
  const { header, payload } = partsOf(text)
  const { kid, key } = keyOf(header, keys)
  const claims = verifiedPayload(text, key)
  assertCanonical(claims, payload, 'payload')
  const unacceptable = unacceptableClaim(claims)
  if (unacceptable) throw refused('INVALID', `claim ${unacceptable} is missing or of another type`)
  // Whoever asks next is given the same ones.
  return { claims: Object.freeze(claims as unknown as AccessTokenClaims), kid, key }
}

function keyOf(encoded: string, keys: SigningKeys): Pick<SignedClaims, 'kid' | 'key'> {
  const header = parsed(encoded)
  assertCanonical(header, encoded, 'header')
  // RFC 7515 §4.1.11: what a `crit` names must be understood, and nothing is. `jwk`, `jku`, `x5u` and `x5c` would let
  // a token bring its own key (RFC 8725 §3.10).
  const unknown = Object.keys(header).filter((name) => !headerMembers.includes(name))
  if (unknown.length > 0) throw refused('INVALID', 'header has members that are not accepted')
  // RFC 8725 §3.11, RFC 9068 §4: exact, so that no other kind of token passes for this one.
  if (header.typ !== mediaType) throw refused('INVALID', 'typ is not at+jwt')
  if (typeof header.kid !== 'string') throw refused('INVALID', 'kid is missing')
  const known = keys.byKid.get(header.kid)
  if (!known) throw refused('INVALID', keys.shared?.hasEnded(header.kid) ? 'kid has ended' : unknownKey)
  // RFC 8725 §3.1: the key says its algorithm, the token only agrees. A public key is never an HMAC secret.
  if (header.alg !== known.algorithm) throw refused('INVALID', "alg is not the key's")
  return { kid: header.kid, key: known }
}

function verifiedPayload(text: string, { algorithm, key }: VerificationKey): unknown {
  try {
    // The times are checked against the injected clock, below.
    return jsonwebtoken.verify(text, key, { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true })
  } catch {
    throw refused('INVALID', 'signature is wrong')
  }
}

function assertOurs(claims: AccessTokenClaims, settings: AccessTokenSettings): void {
  const { issuer, audience, ttlSeconds, leewaySeconds = 60 } = settings
  if (claims.iss !== issuer) throw refused('INVALID', 'iss is another')
  if (claims.aud !== audience) throw refused('INVALID', 'aud is another')
  if (claims.exp <= claims.iat) throw refused('INVALID', 'exp is not after iat')
  if (claims.exp - claims.iat > ttlSeconds + leewaySeconds) throw refused('INVALID', 'lifetime is too long')
  const contradiction = contradictionIn(claims)
  if (contradiction) throw refused('INVALID', contradiction)
}

function assertCurrent(claims: AccessTokenClaims & { nbf?: unknown }, nowSeconds: number, leewaySeconds: number): void {
  const { iat, exp, nbf = iat } = claims
  if (!isCount(nbf)) throw refused('INVALID', 'nbf is of another type')
  if (Math.max(iat, nbf) > nowSeconds + leewaySeconds) throw refused('INVALID', 'iat or nbf is in the future')
  if (nowSeconds >= exp + leewaySeconds) throw refused('EXPIRED', 'exp has passed')
}

function parsed(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64url').toString())
  } catch {
    throw refused('MALFORMED', 'header is not JSON')
  }
}

/**
 * Written again, the value must give the very characters it was read from. That one comparison refuses duplicate names
 * (RFC 8725 §2.4: two readers may see two values), white space, bytes that are not UTF-8 and respelled base64url, none
 * of which this server writes.
 */
function assertCanonical(value: unknown, encoded: string, part: string): asserts value is Guarded {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) throw refused('MALFORMED', `${part} is not an object`)
  const again = Buffer.from(JSON.stringify(value)).toString('base64url')
  if (again !== encoded) throw refused('MALFORMED', `${part} is not canonical`)
}
