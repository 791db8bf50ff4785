import type { RequestFacts, Services } from '../context.ts'
import { identifyByApiKey } from './api-key.ts'
import { identifyByAccessToken } from './bearer.ts'
import { identifyByExternalToken } from './external/identify-external.ts'
import type { Principal } from './principal.ts'
import { requestLimits, type RequestLimits } from './request-limits.ts'
import { refuseLoneTenantApiKey } from './tenant-api-key.ts'

/**
 * One kind of credential. Null: the request does not carry it. A principal: it does, and it is good.
 * It throws when the request carries it and it is bad: a bad credential is never an anonymous request. It counts the request
 * under whose it is before it looks anything up.
 */
export type Strategy = (services: Services, request: RequestFacts, limits: RequestLimits) => Promise<Principal | null>

/** In this order; a request is identified by the first that is not null. */
const strategies: readonly Strategy[] = [
  identifyByApiKey,
  // Whom a token says it is from decides who reads it; what it says is believed by neither before it is verified.
  identifyByExternalToken,
  identifyByAccessToken,
  refuseLoneTenantApiKey,
]

/**
 * Who is calling; null for an anonymous request.
 * @throws ApiError where a credential is presented and not accepted; RATE_LIMITED where the caller, or the address of who is
 * none, has sent too many requests.
 */
export async function identify(services: Services, request: RequestFacts): Promise<Principal | null> {
  const limits = requestLimits(services, request)
  try {
    for (const strategy of strategies) {
      const principal = await strategy(services, request, limits)
      if (principal) return principal
    }
  } catch (error) {
    await limits.byAddress()
    throw error
  }
  await limits.byAddress()
  return null
}
