import { validate } from 'uuid'
import type { RequestFacts, Services } from '../context.ts'
import { inTransaction } from '../database/tenancy.ts'
import { forbidden } from '../errors.ts'
import { findActingMembership } from '../modules/membership/acting-membership.ts'
import type { UserTokenClaims } from './access-token-claims.ts'
import { identifyByApiKeyToken } from './api-key-token.ts'
import { bearerToken } from './bearer-token.ts'
import { currentClaims } from './current-claims.ts'
import { identifyByExchangedToken } from './external/exchanged-token.ts'
import type { Principal, UserPrincipal } from './principal.ts'
import type { RequestLimits } from './request-limits.ts'
import { withTenantApiKey } from './tenant-api-key.ts'
import { userPrincipal, withoutOrganization } from './user-principal.ts'

/** Whoever has one of the server's own access tokens in `Authorization: Bearer`. */
export async function identifyByAccessToken(
  services: Services,
  request: RequestFacts,
  limits: RequestLimits,
): Promise<Principal | null> {
  const token = bearerToken(request.headers)
  if (token === null) return null
  const claims = await currentClaims(services, token, limits)
  switch (claims.kind) {
    case 'USER':
      return identifyUser(services, request, claims, limits)
    case 'API_KEY':
      return identifyByApiKeyToken(services, request, claims, limits)
    case 'EXTERNAL':
      return identifyByExchangedToken(services, request, claims, limits)
  }
}

async function identifyUser(
  services: Services,
  request: RequestFacts,
  claims: UserTokenClaims,
  limits: RequestLimits,
): Promise<UserPrincipal> {
  await limits.byUser(claims.sub)
  const user = await actingIn(services, claims, request.headers['x-tenant-id'])
  return withTenantApiKey(services, request, user, limits, () => withoutOrganization(services.scopes, user))
}

/** The principal of the token, in the organization of `X-Tenant-Id` where that is given. */
async function actingIn(services: Services, claims: UserTokenClaims, tenant: unknown): Promise<UserPrincipal> {
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
  const denied = () => forbidden('NOT_A_MEMBER', 'X-Tenant-Id names no organization of the user')
  if (typeof tenant !== 'string' || !validate(tenant)) throw denied()
  const membership = await inTransaction(
    services.database,
    { door: 'authentication', organizationId: null, readOnly: true },
    (em) => findActingMembership(em, claims.sub, tenant.toLowerCase()),
  )
  if (!membership) throw denied()
  return userPrincipal(services.scopes, {
    ...asInToken,
    organizationId: membership.organizationId,
    membershipId: membership.id,
    role: membership.role,
  })
}
