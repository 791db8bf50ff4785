import { makePowers } from '../access/powers.ts'
import { intersectGrants } from '../access/scopes.ts'
import type { RequestFacts, Services } from '../context.ts'
import { ApiError, forbidden, unauthenticated } from '../errors.ts'
import { acceptKey, knownKey } from './api-key.ts'
import type { ExternalPrincipal, Principal, UserPrincipal } from './principal.ts'
import type { RequestLimits } from './request-limits.ts'

/** Whoever comes with a token, and so may have to come with a key beside it. */
type TokenBearer = UserPrincipal | ExternalPrincipal

/**
 * What the bearer of a token may do with the key in `X-Tenant-Api-Key`, or without one (access.md §7). With it: what both
 * may. Without it, an organization that demands one is not reached.
 * @param withoutKey what the bearer is then, unless `X-Tenant-Id` asks for that organization: a user still has their own
 * account, memberships and the choice of another organization. Left out: refused.
 * @throws ApiError where the key is not accepted, or the organization demands one.
 */
export async function withTenantApiKey<Bearer extends TokenBearer>(
  services: Services,
  { headers }: RequestFacts,
  bearer: Bearer,
  limits: RequestLimits,
  withoutKey?: () => Bearer,
): Promise<Bearer> {
  const presented = headers['x-tenant-api-key']
  const tenant = headers['x-tenant-id']
  if (presented !== undefined) {
    if (tenant === undefined) {
      throw new ApiError('BAD_REQUEST', 'X-Tenant-Api-Key goes with X-Tenant-Id', { reason: 'INCOMPLETE' })
    }
    return limitedByKey(services, presented, bearer, limits)
  }
  if (bearer.organizationId === null || !(await demandsKey(services, bearer.organizationId))) return bearer
  if (tenant === undefined && withoutKey) return withoutKey()
  throw forbidden('TENANT_API_KEY_REQUIRED', 'The organization demands X-Tenant-Api-Key', {
    required: ['X-Tenant-Api-Key'],
    missing: ['X-Tenant-Api-Key'],
  })
}

async function limitedByKey<Bearer extends TokenBearer>(
  services: Services,
  presented: unknown,
  bearer: Bearer,
  limits: RequestLimits,
): Promise<Bearer> {
  const key = await knownKey(services, presented, limits)
  // Before anything else is told of the key: whoever holds another tenant's learns nothing about it.
  if (key.organizationId !== bearer.organizationId) {
    throw forbidden('NOT_THE_TENANTS_KEY', 'X-Tenant-Api-Key is not a key of the organization in X-Tenant-Id')
  }
  await acceptKey(services, key)
  const scopes = intersectGrants(bearer.scopes, key.principal.scopes)
  return { ...bearer, scopes, powers: makePowers(bearer.kind, bearer.role, scopes, services.scopes) }
}

/** Whether users reach an organization's rows with one of its keys alone; one that is gone has none to be reached. */
async function demandsKey({ apiKeys }: Services, organizationId: string): Promise<boolean> {
  const organization = await apiKeys.organization(organizationId)
  return organization?.requiresTenantApiKey ?? true
}

/** A key is presented beside an access token or not at all. @throws ApiError where nobody is signed in by one. */
export async function refuseLoneTenantApiKey(_: Services, { headers }: RequestFacts): Promise<Principal | null> {
  if (headers['x-tenant-api-key'] === undefined) return null
  throw unauthenticated('MISSING', 'X-Tenant-Api-Key goes with an access token')
}
