import type { RequestFacts, Services } from '../context.ts'
import { addressBlock } from '../rate-limits/address-block.ts'
import type { Limit, TellQuota } from '../rate-limits/rate-limits.ts'
import type { ApiKeyRecord } from './api-key-record.ts'
import type { TrustedIssuer } from './external/trusted-issuer.ts'

/**
 * Counts a request, once: under who is calling, or under its address where nobody is known to. Each step
 * @throws ApiError RATE_LIMITED where too many came before.
 */
export interface RequestLimits {
  /** For whoever brings no credential that is accepted. */
  byAddress(): Promise<void>
  byUser(userId: string): Promise<void>
  /** Whoever holds an issuer's key names its users, so all of those of an issuer that an organization registered count too. */
  byExternal(subject: string, issuer: Pick<TrustedIssuer, 'source' | 'organization'>): Promise<void>
  /** All keys of a line of rotations share one limit. */
  byApiKey(key: ApiKeyRecord): Promise<void>
  /** Counts the look-up of a credential for the address, once a request. Whoever is found to be calling has it given back. */
  beforeLookUp(): Promise<void>
}

/** The limits that a request is counted under. */
export function requestLimits({ rateLimits, config }: Services, request: RequestFacts): RequestLimits {
  const perMinute = config.rateLimits
  const address = () => addressBlock(request.ipAddress)
  let isCounted = false
  let giveBackLookUp: (() => void) | null = null

  async function count(limit: Limit): Promise<void> {
    if (isCounted) return
    isCounted = true
    await rateLimits.take(limit, request.tellQuota)
  }
  /** What is counted beside the caller's own limit is news only when it is used up. */
  const tellWhereNoneIsLeft: TellQuota = (quota) => {
    if (quota.remaining === 0) request.tellQuota?.(quota)
  }
  function countCaller(limit: Limit): Promise<void> {
    giveBackLookUp?.()
    giveBackLookUp = null
    return count(limit)
  }

  return {
    byAddress: () => count({ policy: 'anonymous', subject: `address ${address()}`, perMinute: perMinute.anonymous }),
    byUser: (userId) => countCaller({ policy: 'user', subject: `user ${userId}`, perMinute: perMinute.user }),
    async byExternal(subject, { source, organization }) {
      if (source === 'organization' && !isCounted) {
        const all = { policy: 'issuer', subject: `issuer of ${organization ?? ''}`, perMinute: perMinute.issuer }
        await rateLimits.take(all, tellWhereNoneIsLeft)
      }
      await countCaller({ policy: 'user', subject: `external ${subject}`, perMinute: perMinute.user })
    },
    byApiKey: ({ lineId, rateLimitPerMinute }) =>
      countCaller({
        policy: 'api-key',
        subject: `api-key ${lineId}`,
        perMinute: rateLimitPerMinute ?? perMinute.apiKey,
      }),
    // Apart from what the address sends without a credential: a neighbour must not keep good ones from being known.
    async beforeLookUp() {
      if (isCounted || giveBackLookUp) return
      const limit = { policy: 'look-up', subject: `look-up ${address()}`, perMinute: perMinute.anonymous }
      giveBackLookUp = await rateLimits.take(limit, tellWhereNoneIsLeft)
    },
  }
}
