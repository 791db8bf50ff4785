import type { Services } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import type { AccessTokenClaims } from './access-token-claims.ts'
import type { RequestLimits } from './request-limits.ts'

/**
 * What one of the server's own access tokens says, signed with a key that is accepted now, and not revoked. Whether its API
 * key or its issuer still stands is not asked here.
 * @throws ApiError UNAUTHENTICATED; RATE_LIMITED where the database would have to be asked too often.
 */
export async function currentClaims(
  { accessTokens, revocations }: Services,
  token: string,
  limits: Pick<RequestLimits, 'beforeLookUp'>,
): Promise<AccessTokenClaims> {
  const verified = accessTokens.verifyCurrent(token, () => limits.beforeLookUp())
  const claims = verified instanceof Promise ? await verified : verified
  if (!revocations.isLive()) await limits.beforeLookUp()
  const revoked = revocations.isRevoked(claims)
  if (revoked === true || (revoked !== false && (await revoked))) {
    throw unauthenticated('REVOKED', 'The access token has been revoked')
  }
  return claims
}

/** The scopes that a token names. */
export const scopesIn = ({ scope }: Pick<AccessTokenClaims, 'scope'>): readonly string[] =>
  scope === '' ? [] : scope.split(' ')
