import { tenantOf } from '../database/tenancy.ts'
import type { Context } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import type { Principal, UserPrincipal } from './principal.ts'

/**
 * Who the current field is resolved for. Where the SDL says `@auth` it always is somebody.
 * @throws ApiError UNAUTHENTICATED for an anonymous caller.
 */
export function requirePrincipal({ principal }: Pick<Context, 'principal'>): Principal {
  if (principal) return principal
  throw unauthenticated('MISSING', 'A credential is required')
}

/**
 * The principal as the signed-in user. Where the SDL says `@auth(kinds: [USER])` it always is one.
 * @throws ApiError UNAUTHENTICATED for any other caller.
 */
export function requireUser({ principal }: Pick<Context, 'principal'>): UserPrincipal {
  if (principal?.kind === 'USER' || principal?.kind === 'OPERATOR') return principal
  throw unauthenticated('MISSING', 'A signed-in user is required')
}

/**
 * The id of the organization that the principal acts for. Where the SDL demands a role or a scope there always is one.
 * @throws ApiError UNAUTHENTICATED for an anonymous caller; FORBIDDEN with NO_ORGANIZATION where the credential names none.
 */
export function requireOrganization(ctx: Pick<Context, 'principal'>): string {
  return tenantOf(requirePrincipal(ctx).organizationId)
}
