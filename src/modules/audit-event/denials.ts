import type { Context } from '../../context.ts'
import { addressBlock } from '../../rate-limits/address-block.ts'
import { auditApart } from './audit-event.service.ts'

const FOLDING_MS = 60_000
const REMEMBERED = 10_000

/** One denied field of a mutation. */
export interface DeniedField {
  coordinate: string
  missing: readonly string[]
}

/**
 * Records denied mutations. The same denial of the same principal (or address, as rate limits count them) is recorded once a
 * minute, so that an attacker cannot fill the disk by repeating it.
 */
export function createDenialRecorder(clock: () => Date) {
  const recorded = new Map<string, number>()
  return async (ctx: Context, denied: readonly DeniedField[]): Promise<void> => {
    const { subject = addressBlock(ctx.request.ipAddress), organizationId = null } = ctx.caller ?? {}
    const now = clock().getTime()
    for (const { coordinate, missing } of denied) {
      // In each organization once: what was recorded in one, another's ADMINs do not see.
      const key = `${subject} ${organizationId ?? ''} ${coordinate}`
      if (now - (recorded.get(key) ?? -Infinity) < FOLDING_MS) continue
      if (recorded.size >= REMEMBERED) recorded.clear()
      recorded.set(key, now)
      await auditApart(ctx, {
        action: 'authorization.denied',
        succeeded: false,
        target: { type: 'Field', id: coordinate },
        details: { missing },
      })
    }
  }
}
