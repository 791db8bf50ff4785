import { createHash } from 'node:crypto'
import type { Context } from '../../context.ts'
import { newId } from '../../database/columns.ts'
import { rateLimited } from '../../errors.ts'

/** NIST SP 800-63B-4 §3.2.2: no more than 100 failures in a row. Afterwards the account rests for a day. */
const MOST_FAILURES = 100
const RESTING_SECONDS = 86_400
const LONGEST_DELAY_SECONDS = 900

const subjectOf = (kind: 'account' | 'address', name: string) =>
  createHash('sha256').update(`${kind}:${name}`).digest('hex')

/** An IPv6 customer has a /64 at least, so that is what counts as one address. */
export function addressBlock(ipAddress: string): string {
  if (!ipAddress.includes(':')) return ipAddress
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ipAddress)
  if (mapped?.[1]) return mapped[1]
  const [head = '', tail] = ipAddress.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head.split(':').filter(Boolean)
  const right = tail === undefined ? [] : tail.split(':').filter(Boolean)
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => group.padStart(4, '0'))
    .join(':')}::/64`
}

/** Seconds to wait after so many failures, of which the first `free` cost nothing. */
function delayAfter(failures: number, free: number): number {
  if (failures >= MOST_FAILURES) return RESTING_SECONDS
  return failures < free ? 0 : Math.min(LONGEST_DELAY_SECONDS, 2 ** (failures - free))
}

const CLAIM = `
  insert into sign_in_failures as f (id, subject, failures, last_failed_at, blocked_until)
  values (?, ?, 1, ?, ?)
  on conflict (subject) do update set
    failures = case when f.last_failed_at < ? then 1 else f.failures + 1 end,
    last_failed_at = excluded.last_failed_at,
    blocked_until = excluded.last_failed_at, updated_at = excluded.last_failed_at
  where f.blocked_until <= excluded.last_failed_at
  returning failures`

/**
 * Counts an attempt before it is looked at, as a failure until {@link forgetFailures} says otherwise: attempts that race
 * are all counted, and none of them is hashed while the account or the address has to wait.
 * @throws ApiError RATE_LIMITED with the seconds to wait.
 */
export async function countAttempt(ctx: Context, email: string | null): Promise<void> {
  const { freeFailures, freeFailuresPerAddress } = ctx.services.config.passwords
  const limits: [subject: string, free: number][] = [
    [subjectOf('address', addressBlock(ctx.request.ipAddress)), freeFailuresPerAddress],
    ...(email === null ? [] : [[subjectOf('account', email), freeFailures] as [string, number]]),
  ]
  for (const [subject, free] of limits) {
    const waitSeconds = await claimAttempt(ctx, subject, free)
    if (waitSeconds > 0) throw rateLimited(waitSeconds)
  }
}

/** One atomic statement claims the attempt; 0 when it may be made, else the seconds to wait. */
function claimAttempt(ctx: Context, subject: string, free: number): Promise<number> {
  const now = ctx.services.clock()
  const longAgo = new Date(now.getTime() - RESTING_SECONDS * 1_000)
  return ctx.rows.write('authentication', async (em) => {
    const claimed = await em.execute<{ failures: number }[]>(CLAIM, [newId(), subject, now, now, longAgo])
    const failures = claimed[0]?.failures
    if (failures !== undefined) {
      const blockedUntil = new Date(now.getTime() + delayAfter(failures, free) * 1_000)
      await em.execute('update sign_in_failures set blocked_until = ? where subject = ?', [blockedUntil, subject])
      return 0
    }
    const held = await em.execute<{ until: Date }[]>(
      'select blocked_until as until from sign_in_failures where subject = ?',
      [subject],
    )
    return Math.max(1, (new Date(held[0]?.until ?? now).getTime() - now.getTime()) / 1_000)
  })
}

/** After a right password: the account's failures in a row are over, and this attempt was none of the address's. */
export async function forgetFailures(ctx: Context, email: string): Promise<void> {
  const address = subjectOf('address', addressBlock(ctx.request.ipAddress))
  await ctx.rows.write('authentication', async (em) => {
    await em.execute('delete from sign_in_failures where subject = ?', [subjectOf('account', email)])
    // Not forgotten but counted back: somebody with one good account must not clear the way to guess at others.
    await em.execute('update sign_in_failures set failures = greatest(failures - 1, 0) where subject = ?', [address])
  })
}
