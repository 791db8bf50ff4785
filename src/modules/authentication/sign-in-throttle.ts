import { createHash } from 'node:crypto'
import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import { newId } from '../../database/columns.ts'
import { rateLimited } from '../../errors.ts'
import { addressBlock } from '../../rate-limits/address-block.ts'

/** NIST SP 800-63B-4 §3.2.2: no more than 100 failures in a row. Afterwards the account rests for a day. */
const MOST_FAILURES = 100
const RESTING_SECONDS = 86_400
const LONGEST_DELAY_SECONDS = 900

const subjectOf = (kind: 'account' | 'address', name: string) =>
  createHash('sha256').update(`${kind}:${name}`).digest('hex')

/** What is counted apart: an account, or an address. */
interface Limit {
  readonly subject: string
  /** How many failures cost nothing. */
  readonly free: number
  /** After so many, the subject rests. */
  readonly most: number
}

/** What an attempt is counted of. */
interface Limits {
  /** Null where there is no account yet. */
  readonly account: Limit | null
  readonly address: Limit
}

function limitsFor(ctx: Context, email: string | null, now: Date): Limits {
  const { freeFailures, freeFailuresPerAddress } = ctx.services.config.passwords
  // Many people may share an address, and among them somebody mistypes every hour: it starts afresh each day and never
  // rests, or an office would shut itself out.
  const address = `${addressBlock(ctx.request.ipAddress)} ${now.toISOString().slice(0, 10)}`
  return {
    account: email === null ? null : { subject: subjectOf('account', email), free: freeFailures, most: MOST_FAILURES },
    address: { subject: subjectOf('address', address), free: freeFailuresPerAddress, most: Infinity },
  }
}

/** Seconds to wait after so many failures. */
function delayAfter(failures: number, { free, most }: Limit): number {
  if (failures >= most) return RESTING_SECONDS
  return failures < free ? 0 : Math.min(LONGEST_DELAY_SECONDS, 2 ** (failures - free))
}

// Not blocked is blocked until 1970: the clocks of two instances, or of two requests that wait for the row, differ.
const CLAIM = `
  insert into sign_in_failures as f (id, subject, failures, last_failed_at, blocked_until)
  values (?, ?, 1, ?, 'epoch')
  on conflict (subject) do update set
    failures = case when f.last_failed_at < ? then 1 else f.failures + 1 end,
    last_failed_at = excluded.last_failed_at, blocked_until = 'epoch', updated_at = excluded.last_failed_at
  where f.blocked_until <= excluded.last_failed_at
  returning failures`

// Of the oldest few rows alone, so that the table neither grows for ever nor is read through.
const FORGET_OLD = `
  delete from sign_in_failures where id in (
    select id from (select id, last_failed_at from sign_in_failures order by id limit 20 for update skip locked) oldest
    where last_failed_at < ?)`

/** An attempt that counts as a failure until its caller says otherwise. */
export interface Attempt {
  /**
   * Looks at what was attempted. What cannot be looked at, because too many wait, or for too long, or the database is away, has not
   * failed: it is counted back, or an overload would shut out people who know their password.
   * @throws whatever `look` throws
   */
  look<T>(look: () => Promise<T>): Promise<T>
  /** The account's failures in a row are over, and this attempt was none of the address's. */
  succeeded(): Promise<void>
}

/**
 * Counts an attempt before it is looked at: attempts that race are all counted, and none of them is hashed while the
 * account or the address has to wait.
 * @throws ApiError RATE_LIMITED with the seconds to wait.
 */
export async function countAttempt(ctx: Context, email: string | null): Promise<Attempt> {
  const now = ctx.services.clock()
  const limits = limitsFor(ctx, email, now)
  const claims = await ctx.rows.write('authentication', (em) => claimAttempt(em, limits, now))
  const waitSeconds = Math.max(...claims.map((claim) => claim.waitSeconds))
  if (waitSeconds > 0) throw rateLimited(waitSeconds)
  return {
    async look(look) {
      try {
        return await look()
      } catch (error) {
        // Where that fails, too, the reason is the same, and the first one says more.
        await countBack(ctx, claims).catch(() => undefined)
        throw error
      }
    },
    succeeded: () => forgetFailures(ctx, limits),
  }
}

/** An attempt as it is counted of one limit. */
interface Claim {
  readonly subject: string
  /** 0 when the attempt may be made. */
  readonly waitSeconds: number
  /** Until when the next one has to wait because of this one. */
  readonly blockedUntil: Date | null
}

/**
 * Claims an attempt of its account and its address, or of neither where the address has to wait: nothing was tried then. What an
 * account that has to wait is tried with is counted of the address.
 * @throws ApiError RATE_LIMITED
 */
async function claimAttempt(em: EntityManager, { account, address }: Limits, now: Date): Promise<Claim[]> {
  // The account's row first, as everywhere: two that wait for each other would end as a deadlock.
  const ofAccount = account && (await claimOf(em, account, now))
  const ofAddress = await claimOf(em, address, now)
  if (ofAddress.waitSeconds > 0) throw rateLimited(ofAddress.waitSeconds)
  return ofAccount ? [ofAccount, ofAddress] : [ofAddress]
}

/** One atomic statement claims the attempt. */
async function claimOf(em: EntityManager, limit: Limit, now: Date): Promise<Claim> {
  const { subject } = limit
  const longAgo = new Date(now.getTime() - RESTING_SECONDS * 1_000)
  const claimed = await em.execute<{ failures: number }[]>(CLAIM, [newId(), subject, now, longAgo])
  const failures = claimed[0]?.failures
  if (failures !== undefined) {
    const delay = delayAfter(failures, limit)
    const blockedUntil = new Date(now.getTime() + delay * 1_000)
    if (delay > 0)
      await em.execute('update sign_in_failures set blocked_until = ? where subject = ?', [blockedUntil, subject])
    if (failures === 1) await em.execute(FORGET_OLD, [longAgo])
    return { subject, waitSeconds: 0, blockedUntil: delay > 0 ? blockedUntil : null }
  }
  const held = await em.execute<{ until: Date }[]>(
    'select blocked_until as until from sign_in_failures where subject = ?',
    [subject],
  )
  const waitSeconds = Math.max(1, (new Date(held[0]?.until ?? now).getTime() - now.getTime()) / 1_000)
  return { subject, waitSeconds, blockedUntil: null }
}

// The wait that came of this attempt, and not that of one beside it.
const COUNT_BACK = `
  update sign_in_failures set failures = greatest(failures - 1, 0),
    blocked_until = case when blocked_until = ?::timestamptz then 'epoch' else blocked_until end
  where subject = ?`

async function countBack(ctx: Context, claims: readonly Claim[]): Promise<void> {
  await ctx.rows.record('authentication', async (em) => {
    for (const { subject, blockedUntil } of claims) await em.execute(COUNT_BACK, [blockedUntil, subject])
  })
}

async function forgetFailures(ctx: Context, { account, address }: Limits): Promise<void> {
  await ctx.rows.record('authentication', async (em) => {
    if (account) await em.execute('delete from sign_in_failures where subject = ?', [account.subject])
    // Not forgotten but counted back: somebody with one good account must not clear the way to guess at others.
    await em.execute('update sign_in_failures set failures = greatest(failures - 1, 0) where subject = ?', [
      address.subject,
    ])
  })
}
