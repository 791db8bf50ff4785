import { randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { mostCharacters, partsOf, refused } from './compact-token.ts'
import { withCurrentKeys } from './current-keys.ts'
import { claimedIssuer } from './external/external-token.ts'
import { roles, type Role } from './principal.ts'
import type { SigningKeys, VerificationKey } from './signing-keys.ts'

/** What the server says about a user in an access token. The names are those on the wire. */
export interface AccessTokenSubject {
  /** The user's id. */
  readonly sub: string
  /** The session's id, as in OpenID Connect's back-channel logout. */
  readonly sid: string
  readonly email: string
  /** The current organization's id. */
  readonly organization: string | null
  /** The id of the user's membership in it; null for one who has none. */
  readonly membership: string | null
  /** A lower number than the membership's own is revoked; 0 without a membership. */
  readonly membershipVersion: number
  /** A lower number than the user's own is revoked. */
  readonly userVersion: number
  /** Held through the membership, so null exactly where that is null. */
  readonly role: Role | null
  /** Scopes, separated by single spaces (RFC 8693 §4.2). */
  readonly scope: string
  /** Staff of the platform. */
  readonly operator: boolean
}

/** All claims of an access token. RFC 9068 §2.2 but for `client_id`: there are no clients to tell apart. */
export interface AccessTokenClaims extends AccessTokenSubject {
  readonly iss: string
  readonly aud: string
  /** Seconds since 1970, as `iat`. */
  readonly exp: number
  readonly iat: number
  readonly jti: string
}

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
}

export interface AccessTokens {
  /** Signs a new token. @throws Error when it would be too long to be accepted. */
  issue(subject: AccessTokenSubject): { token: string; expiresAt: Date; jti: string }
  /**
   * Reads a token that this server or another instance of it has issued.
   * Whether it has been revoked since is not asked here.
   * @throws UNAUTHENTICATED with MALFORMED, INVALID or EXPIRED; why exactly is in the error's `cause`, for the log only.
   */
  verify(text: string): AccessTokenClaims
  /**
   * The same, by the keys as they are now on every instance. A promise only where they have to be read again first: while
   * changes may be missed, and for a token of our own whose key is not known.
   * @param beforeReading awaited before the database is asked for them
   */
  verifyCurrent(text: string, beforeReading: () => Promise<void>): AccessTokenClaims | Promise<AccessTokenClaims>
}

type Guarded = Record<string, unknown>

const mediaType = 'at+jwt'
const unknownKey = 'kid is not known'
const headerMembers: readonly string[] = ['alg', 'typ', 'kid']
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
const scopeList = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isUuid = (value: unknown) => typeof value === 'string' && uuid.test(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Each claim with its exact type; none may be missing. */
const claimGuards = Object.entries({
  iss: isText,
  sub: isUuid,
  aud: isText,
  exp: isCount,
  iat: isCount,
  jti: isUuid,
  sid: isUuid,
  email: isText,
  organization: (value) => value === null || isUuid(value),
  membership: (value) => value === null || isUuid(value),
  membershipVersion: isCount,
  userVersion: isCount,
  role: (value) => value === null || roles.includes(value as Role),
  scope: (value) => typeof value === 'string' && scopeList.test(value),
  operator: (value) => typeof value === 'boolean',
} satisfies Record<keyof AccessTokenClaims, (value: unknown) => boolean>)

/**
 * Makes the one place where access tokens are signed and read. jsonwebtoken computes the signatures; what it accepts
 * beyond RFC 8725 (an unknown `crit`, any `typ`, a missing or boundless `exp`, tokens of any size) is refused here.
 */
export function createAccessTokens(settings: AccessTokenSettings): AccessTokens {
  const { keys, issuer, audience, ttlSeconds, clock } = settings
  // The seam for a cache of tokens seen before: all but the last line depends on the text, the settings and the keys alone.
  function verify(text: string): AccessTokenClaims {
    const claims = signedClaims(text, keys)
    assertOurs(claims, settings)
    assertCurrent(claims, clock() / 1000, settings.leewaySeconds ?? 60)
    return claims
  }
  return {
    issue(subject) {
      const iat = Math.floor(clock() / 1000)
      const exp = iat + ttlSeconds
      const jti = randomUUID()
      const { algorithm, kid, key } = keys.signing
      const claims: AccessTokenClaims = { iss: issuer, aud: audience, exp, iat, jti, ...subject }
      const token = jsonwebtoken.sign(claims, key, { algorithm, header: { alg: algorithm, typ: mediaType, kid } })
      if (token.length > mostCharacters) throw new Error(`An access token of ${token.length} characters is too long`)
      return { token, expiresAt: new Date(exp * 1000), jti }
    },
    verify,
    verifyCurrent: (text, beforeReading) =>
      withCurrentKeys(keys, { verify: () => verify(text), lacksKey: lacksKeyOf(text, issuer), beforeReading }),
  }
}

/** Whether a token was refused for its key alone, and says that it is from this issuer: another instance may have signed it. */
function lacksKeyOf(text: string, issuer: string) {
  return (error: unknown) => error instanceof Error && error.cause === unknownKey && claimedIssuer(text) === issuer
}

/** The claims of a token that one of the keys has signed. */
function signedClaims(text: string, keys: SigningKeys): AccessTokenClaims {
  const { header, payload } = partsOf(text)
  const claims = verifiedPayload(text, keyOf(header, keys))
  assertCanonical(claims, payload, 'payload')
  for (const [name, accepts] of claimGuards) {
    if (!accepts(claims[name])) throw refused('INVALID', `claim ${name} is missing or of another type`)
  }
  return claims as unknown as AccessTokenClaims
}

function keyOf(encoded: string, keys: SigningKeys): VerificationKey {
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
  return known
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
  if ((claims.role === null) !== (claims.membership === null)) throw refused('INVALID', 'role without membership')
  if (claims.membership !== null && claims.organization === null) {
    throw refused('INVALID', 'membership without organization')
  }
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
