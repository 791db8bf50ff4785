import { makePowers } from '../access/powers.ts'
import { intersectGrants } from '../access/scopes.ts'
import type { RequestFacts, Services } from '../context.ts'
import { ApiError, forbidden, unauthenticated } from '../errors.ts'
import { acceptKey, knownKey } from './api-key.ts'
import type { Principal, UserPrincipal } from './principal.ts'
import { withoutOrganization } from './user-principal.ts'

/**
 * What a user may do with the key in `X-Tenant-Api-Key`, or without one (access.md §7). With it: what both may. Without it,
 * an organization that demands one is as if the user had none: no row of it, and still their own account, memberships and
 * the choice of another organization.
 * @throws ApiError where the key is not accepted, or `X-Tenant-Id` asks for an organization that demands one.
 */
export async function withTenantApiKey(
  services: Services,
  { headers }: RequestFacts,
  user: UserPrincipal,
): Promise<UserPrincipal> {
  const presented = headers['x-tenant-api-key']
  const tenant = headers['x-tenant-id']
  if (presented !== undefined) {
    if (tenant === undefined) {
      throw new ApiError('BAD_REQUEST', 'X-Tenant-Api-Key goes with X-Tenant-Id', { reason: 'INCOMPLETE' })
    }
    return limitedByKey(services, presented, user)
  }
  if (user.organizationId === null || !(await demandsKey(services, user.organizationId))) return user
  if (tenant === undefined) return withoutOrganization(services.scopes, user)
  throw forbidden('TENANT_API_KEY_REQUIRED', 'The organization demands X-Tenant-Api-Key', {
    required: ['X-Tenant-Api-Key'],
    missing: ['X-Tenant-Api-Key'],
  })
}

async function limitedByKey(services: Services, presented: unknown, user: UserPrincipal): Promise<UserPrincipal> {
  const key = await knownKey(services, presented)
  // Before anything else is told of the key: whoever holds another tenant's learns nothing about it.
  if (key.organizationId !== user.organizationId) {
    throw forbidden('NOT_THE_TENANTS_KEY', 'X-Tenant-Api-Key is not a key of the organization in X-Tenant-Id')
  }
  await acceptKey(services, key)
  const scopes = intersectGrants(user.scopes, key.principal.scopes)
  return { ...user, scopes, powers: makePowers(user.kind, user.role, scopes, services.scopes) }
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
