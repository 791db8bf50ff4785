import { createHash } from 'node:crypto'
import type { Context } from '../context.ts'
import { addressBlock } from './address-block.ts'
import type { Limit } from './rate-limits.ts'

/** Fields that cost much, that tell who has an account, or that make what lasts. */
export type CostlyField = 'login' | 'register' | 'refresh' | 'changePassword' | 'addMember' | 'createOrganization'

/**
 * Counts the execution of a costly field, before anything is looked up or hashed for it: for its account, if it has one, and
 * for the caller's address. Aliases and documents with many fields count as often as they ask.
 * @param account what stands for the account: an e-mail address, a user, a refresh token
 * @throws ApiError RATE_LIMITED
 */
export async function countCostly(ctx: Context, field: CostlyField, account: string | null): Promise<void> {
  const { signInPerAddress, signInPerAccount } = ctx.services.config.rateLimits
  const limits: Limit[] = [
    {
      policy: `${field}-by-address`,
      subject: `${field} address ${addressBlock(ctx.request.ipAddress)}`,
      perMinute: signInPerAddress,
    },
  ]
  if (account !== null) {
    limits.push({
      policy: `${field}-by-account`,
      // Hashed, since it is held in memory for a minute and may be as long as a body.
      subject: `${field} account ${createHash('sha256').update(account).digest('base64url')}`,
      perMinute: signInPerAccount,
    })
  }
  const { rateLimits } = ctx.services
  await ctx.rows.apart(async () => {
    for (const limit of limits) await rateLimits.take(limit, ctx.request.tellQuota)
  })
}
