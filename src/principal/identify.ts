import type { RequestFacts, Services } from '../context.ts'
import { identifyByApiKey } from './api-key.ts'
import { identifyByAccessToken } from './bearer.ts'
import type { Principal } from './principal.ts'
import { refuseLoneTenantApiKey } from './tenant-api-key.ts'

/**
 * One kind of credential. Null: the request does not carry it. A principal: it does, and it is good.
 * It throws when the request carries it and it is bad: a bad credential is never an anonymous request.
 */
export type Strategy = (services: Services, request: RequestFacts) => Promise<Principal | null>

/** In this order; a request is identified by the first that is not null. */
const strategies: readonly Strategy[] = [identifyByApiKey, identifyByAccessToken, refuseLoneTenantApiKey]

/**
 * Who is calling; null for an anonymous request.
 * @throws ApiError where a credential is presented and not accepted.
 */
export async function identify(services: Services, request: RequestFacts): Promise<Principal | null> {
  for (const strategy of strategies) {
    const principal = await strategy(services, request)
    if (principal) return principal
  }
  return null
}
