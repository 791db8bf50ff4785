import type { KeyObject } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { partsOf, refused } from '../compact-token.ts'
import type { KeyHint } from './key-set.ts'
import type { ExternalAlgorithm, TrustedIssuer } from './trusted-issuer.ts'

/** Members as they came: of any type, whatever their name. */
type Payload = Readonly<Record<string, unknown>>

/** What an issuer says, once its signature is checked. Everything but these members is as it came. */
export interface ExternalClaims extends Payload {
  readonly iss: string
  readonly sub: string
}

/** How a token is to be verified. */
export interface ExternalToken {
  readonly text: string
  readonly hint: KeyHint
  /** As they came: nothing in them is to be believed before the signature is checked. */
  readonly unverified: Payload
}

/** RFC 7515 §4.1: `x5t` and `x5t#S256` say which key, as `kid` does, and are not looked at. */
const headerMembers: readonly string[] = ['alg', 'typ', 'kid', 'x5t', 'x5t#S256']
const mediaTypes: readonly unknown[] = [undefined, 'JWT', 'at+jwt']
const LEEWAY_SECONDS = 60
const MOST_LIFETIME_SECONDS = 86_400
const MOST_SUBJECT_CHARACTERS = 255

const isTime = (value: unknown): value is number => Number.isFinite(value) && (value as number) >= 0

/**
 * Reads a token of an issuer up to what its key is needed for.
 * @throws ApiError UNAUTHENTICATED with MALFORMED or INVALID; why exactly is in the error's `cause`, for the log only.
 */
export function readExternalToken(text: string, { algorithms }: TrustedIssuer): ExternalToken {
  const { header, payload } = partsOf(text)
  const { alg, typ, kid, ...others } = jsonOf(header, 'header')
  // RFC 7515 §4.1.11: what a `crit` names must be understood, and nothing is. `jwk`, `jku`, `x5u` and `x5c` would let a
  // token bring its own key (RFC 8725 §3.10).
  const unknown = Object.keys(others).filter((name) => !headerMembers.includes(name))
  if (unknown.length > 0) throw refused('INVALID', 'header has members that are not accepted')
  // RFC 8725 §3.11. Most issuers leave it out or say JWT: their other tokens are kept away by `aud`.
  if (!mediaTypes.includes(typ)) throw refused('INVALID', 'typ is another')
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) throw refused('INVALID', 'kid is no text')
  // RFC 8725 §3.1, §3.2: one that the issuer is known to sign with, so neither `none` nor one of a shared secret.
  if (!algorithms.includes(alg as ExternalAlgorithm)) throw refused('INVALID', "alg is none of the issuer's")
  const hint = { alg: alg as ExternalAlgorithm, ...(kid !== undefined && { kid }) }
  return { text, hint, unverified: jsonOf(payload, 'payload') }
}

/**
 * What the issuer says in the token.
 * @param key the one that the issuer has published for it; null: the signature is not looked at
 * @throws ApiError UNAUTHENTICATED with INVALID or EXPIRED; why exactly is in the error's `cause`, for the log only.
 */
export function verifiedClaims(
  token: ExternalToken,
  key: KeyObject | null,
  issuer: TrustedIssuer,
  nowSeconds: number,
): ExternalClaims {
  const claims = key ? signedPayload(token, key) : token.unverified
  assertFor(claims, issuer)
  assertCurrent(claims, nowSeconds)
  return claims
}

function signedPayload({ text, hint }: ExternalToken, key: KeyObject): Payload {
  try {
    // The times are checked against the injected clock, below.
    const options = { algorithms: [hint.alg], ignoreExpiration: true, ignoreNotBefore: true }
    return jsonwebtoken.verify(text, key, options) as Record<string, unknown>
  } catch {
    throw refused('INVALID', 'signature is wrong')
  }
}

function assertFor(claims: Payload, { issuer, audiences }: TrustedIssuer): asserts claims is ExternalClaims {
  const { iss, sub, aud } = claims
  if (iss !== issuer) throw refused('INVALID', 'iss is another')
  if (!isSubject(sub)) throw refused('INVALID', 'sub is missing or not acceptable')
  // RFC 8725 §3.9: or a token for another service would be one for this.
  const named: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!named.some((one) => typeof one === 'string' && audiences.includes(one)))
    throw refused('INVALID', 'aud is another')
}

/** A text that the database takes and a log shows as it is. */
function isSubject(sub: unknown): boolean {
  if (typeof sub !== 'string' || sub === '' || sub.length > MOST_SUBJECT_CHARACTERS) return false
  return sub.isWellFormed() && !/\p{Cc}/u.test(sub)
}

function assertCurrent({ exp, iat, nbf }: Payload, nowSeconds: number): void {
  if (!isTime(exp)) throw refused('INVALID', 'exp is missing or of another type')
  if (iat !== undefined && !isTime(iat)) throw refused('INVALID', 'iat is of another type')
  if (nbf !== undefined && !isTime(nbf)) throw refused('INVALID', 'nbf is of another type')
  if (Math.max(iat ?? 0, nbf ?? 0) > nowSeconds + LEEWAY_SECONDS)
    throw refused('INVALID', 'iat or nbf is in the future')
  if (iat !== undefined && exp <= iat) throw refused('INVALID', 'exp is not after iat')
  // Of one that does not say when it was issued, what is left of its life is bounded.
  if (exp - (iat ?? nowSeconds) > MOST_LIFETIME_SECONDS + LEEWAY_SECONDS)
    throw refused('INVALID', 'lifetime is too long')
  if (nowSeconds >= exp + LEEWAY_SECONDS) throw refused('EXPIRED', 'exp has passed')
}

function jsonOf(encoded: string, part: string): Payload {
  const bytes = Buffer.from(encoded, 'base64url')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw refused('MALFORMED', `${part} is not JSON`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused('MALFORMED', `${part} is not an object`)
  }
  return value as Payload
}
