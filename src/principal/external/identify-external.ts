import type { RequestFacts, Services } from '../../context.ts'
import { bearerToken } from '../bearer-token.ts'
import type { Principal } from '../principal.ts'
import type { RequestLimits } from '../request-limits.ts'
import { withTenantApiKey } from '../tenant-api-key.ts'
import { externalCaller } from './external-caller.ts'
import { externalPrincipal } from './external-principal.ts'

/** Somebody else's user, by the token of a trusted issuer in `Authorization: Bearer`. A token of any other is not for this. */
export async function identifyByExternalToken(
  services: Services,
  request: RequestFacts,
  limits: RequestLimits,
): Promise<Principal | null> {
  const token = bearerToken(request.headers)
  const caller = token === null ? null : await externalCaller(services, request, token, limits)
  if (caller === null) return null
  const { issuer, claims, organization } = caller
  const principal = externalPrincipal(services.scopes, issuer, claims, organization.id)
  return withTenantApiKey(services, request, principal, limits)
}
