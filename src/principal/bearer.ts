import { validate } from 'uuid'
import type { RequestFacts, Services } from '../context.ts'
import { inTransaction } from '../database/tenancy.ts'
import { forbidden, unauthenticated } from '../errors.ts'
import { findActingMembership } from '../modules/membership/acting-membership.ts'
import type { AccessTokenClaims } from './access-token.ts'
import { bearerToken } from './bearer-token.ts'
import type { Principal, UserPrincipal } from './principal.ts'
import type { RequestLimits } from './request-limits.ts'
import { withTenantApiKey } from './tenant-api-key.ts'
import { userPrincipal, withoutOrganization } from './user-principal.ts'

/** A person, by the access token in `Authorization: Bearer`. */
export async function identifyByAccessToken(
  services: Services,
  request: RequestFacts,
  limits: RequestLimits,
): Promise<Principal | null> {
  const token = bearerToken(request.headers)
  if (token === null) return null
  const verified = services.accessTokens.verifyCurrent(token, () => limits.beforeLookUp())
  const claims = verified instanceof Promise ? await verified : verified
  if (!services.revocations.isLive()) await limits.beforeLookUp()
  const revoked = services.revocations.isRevoked(claims)
  if (revoked === true || (revoked !== false && (await revoked))) {
    throw unauthenticated('REVOKED', 'The access token has been revoked')
  }
  await limits.byUser(claims.sub)
  const user = await actingIn(services, claims, request.headers['x-tenant-id'])
  return withTenantApiKey(services, request, user, limits, () => withoutOrganization(services.scopes, user))
}

/** The principal of the token, in the organization of `X-Tenant-Id` where that is given. */
async function actingIn(services: Services, claims: AccessTokenClaims, tenant: unknown): Promise<UserPrincipal> {
  const asInToken = {
    userId: claims.sub,
    email: claims.email,
    sessionId: claims.sid,
    isOperator: claims.operator,
    organizationId: claims.organization,
    membershipId: claims.membership,
    role: claims.role,
  }
  if (tenant === undefined || tenant === claims.organization) return userPrincipal(services.scopes, asInToken)
  // Malformed, unknown and foreign are answered alike: which organizations there are is nobody's business.
  const denied = forbidden('NOT_A_MEMBER', 'X-Tenant-Id names no organization of the user')
  if (typeof tenant !== 'string' || !validate(tenant)) throw denied
  const membership = await inTransaction(
    services.database,
    { door: 'authentication', organizationId: null, readOnly: true },
    (em) => findActingMembership(em, claims.sub, tenant.toLowerCase()),
  )
  if (!membership) throw denied
  return userPrincipal(services.scopes, {
    ...asInToken,
    organizationId: membership.organizationId,
    membershipId: membership.id,
    role: membership.role,
  })
}
