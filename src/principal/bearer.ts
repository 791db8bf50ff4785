import { validate } from 'uuid'
import type { RequestFacts, Services } from '../context.ts'
import { inTransaction } from '../database/tenancy.ts'
import { forbidden, unauthenticated } from '../errors.ts'
import { findActingMembership } from '../modules/membership/acting-membership.ts'
import type { AccessTokenClaims } from './access-token.ts'
import type { Principal, UserPrincipal } from './principal.ts'
import { withTenantApiKey } from './tenant-api-key.ts'
import { userPrincipal } from './user-principal.ts'

// RFC 6750 §2.1; the scheme is case-insensitive by RFC 9110 §11.1.
const BEARER = /^bearer +(\S+)$/i

/** A person, by the access token in `Authorization: Bearer`. */
export async function identifyByAccessToken(services: Services, request: RequestFacts): Promise<Principal | null> {
  const { authorization } = request.headers
  if (authorization === undefined) return null
  const token = typeof authorization === 'string' ? BEARER.exec(authorization.trim())?.[1] : undefined
  if (!token) throw unauthenticated('MALFORMED', 'The Authorization header must be "Bearer" and an access token')
  const claims = services.accessTokens.verify(token)
  const revoked = services.revocations.isRevoked(claims)
  if (revoked === true || (revoked !== false && (await revoked))) {
    throw unauthenticated('REVOKED', 'The access token has been revoked')
  }
  const user = await actingIn(services, claims, request.headers['x-tenant-id'])
  return withTenantApiKey(services, request, user)
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
