import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import { rateLimited } from '../errors.ts'
import type { DatabaseMetrics } from '../watching/database-metrics.ts'
import { createMetrics } from '../watching/metrics.ts'
import { openCounters, type Count, type Counters } from './counters.ts'

/** So much of something a minute. */
export interface Limit {
  /** The policy's name, for the answer's headers: a constant. */
  readonly policy: string
  /** Whom or what it is counted for; never told, never stored as it is. */
  readonly subject: string
  readonly perMinute: number
}

/** What is left of a limit. */
export interface Quota {
  readonly policy: string
  readonly limit: number
  readonly windowSeconds: number
  readonly remaining: number
  /** Seconds until all of it is there again. */
  readonly resetSeconds: number
}

/** Whoever is to be told what is left, whether there was any left or not. */
export type TellQuota = (quota: Quota) => void

/** Limits that hold for all instances together. */
export interface RateLimits {
  /**
   * Takes one from a limit.
   * @returns what gives it back, where it turns out to be none that the limit is for.
   * @throws ApiError RATE_LIMITED with the seconds to wait, where there is none left.
   */
  take(limit: Limit, tell?: TellQuota): Promise<() => void>
  /** True while limits that should be counted for all instances are counted by each alone. */
  isDegraded(): boolean
  stop(): Promise<void>
}

interface RateLimitSettings {
  database: Database
  log: Logger
  config: Config['rateLimits']
  /** How long a window is; a minute unless a test cannot wait for that. */
  windowSeconds?: number
  metrics?: Pick<DatabaseMetrics, 'limited'>
}

/** What this instance knows of a limit. */
interface Held {
  /** What all instances have taken in this window, as far as is known; what is in hand is part of it. */
  total: number
  /** Points in hand: taken from the shared counter, and given to no request yet. */
  left: number
  /** When the window ends, on this instance's own clock. */
  endsAt: number
  waiting: number
  fetching: Promise<void> | null
}

/** A fiftieth of a limit is fetched at a time, so that hardly a request waits for the store. */
const PORTIONS = 50
const MOST_HELD = 100_000

/**
 * Opens the limits. Each instance fetches points from the shared counter in portions, and never more than the limit has: of
 * any number of requests at once exactly as many pass as it allows, whichever instances they reach. Where one instance is
 * out of points while others have some in hand, its callers are refused up to a fiftieth of the limit early.
 *
 * Without a shared counter (Redis gone, or memory asked for) an instance goes on from what it knows: who was refused stays so.
 */
export async function openRateLimits(settings: RateLimitSettings): Promise<RateLimits> {
  const { windowSeconds = 60, metrics = createMetrics().database } = settings
  const counters = await openCounters({ ...settings, windowSeconds })
  const windows = holdWindows()

  async function spend(limit: Limit, held: Held): Promise<boolean> {
    held.waiting += 1
    try {
      while (held.left === 0) {
        if (isExhausted(held, limit)) return false
        held.fetching ??= fetchPoints(counters, limit, held, windowSeconds).finally(() => (held.fetching = null))
        await held.fetching
      }
    } finally {
      held.waiting -= 1
    }
    held.left -= 1
    return true
  }

  return {
    async take(limit, tell) {
      const held = windows.of(limit.subject)
      const passes = !isExhausted(held, limit) && (await spend(limit, held))
      const resetSeconds = Math.max(1, Math.ceil((held.endsAt - performance.now()) / 1_000))
      const remaining = passes ? Math.max(0, limit.perMinute - held.total + held.left) : 0
      tell?.({ policy: limit.policy, limit: limit.perMinute, windowSeconds, remaining, resetSeconds })
      metrics.limited(limit.policy, passes)
      if (!passes) throw rateLimited(resetSeconds, 'Too many requests')
      const { endsAt } = held
      return () => {
        // Of another window it would be one too many.
        if (held.endsAt - endsAt <= TOLERANCE_MS) held.left += 1
      }
    },
    isDegraded: () => counters.isDegraded(),
    async stop() {
      windows.stop()
      counters.stop()
    },
  }
}

/** A limit that was lowered meanwhile counts at once, whatever is in hand. */
const isExhausted = (held: Held, limit: Limit) => held.total - held.left >= limit.perMinute

/** Fetches enough for all who wait. What the counter had beyond the limit is nobody's. */
async function fetchPoints(counters: Counters, limit: Limit, held: Held, windowSeconds: number): Promise<void> {
  const { perMinute, subject } = limit
  const points = Math.min(perMinute, Math.max(held.waiting, Math.ceil(perMinute / PORTIONS)))
  const count = await counters.add(subject, points)
  const now = performance.now()
  if (now >= held.endsAt) Object.assign(held, { total: 0, left: 0, endsAt: now + windowSeconds * 1_000 })
  Object.assign(held, countedAfter(held, points, count, now))
  held.left += Math.min(points, Math.max(0, perMinute - (held.total - points)))
}

/** What separates two windows from one that two clocks see. */
const TOLERANCE_MS = 1_000

/**
 * The total and the end of the window after so many points more. The shared counter is believed, but for what it has lost: its
 * store was restarted, or could not be reached when some of ours were counted.
 */
function countedAfter(held: Held, points: number, count: Count | null, now: number): Pick<Held, 'total' | 'endsAt'> {
  const own = { total: held.total + points, endsAt: held.endsAt }
  if (!count) return own
  const shared = { total: count.total, endsAt: now + count.endsInMs }
  const isLater = shared.endsAt - own.endsAt > TOLERANCE_MS
  if (isLater && held.total > 0) return own.endsAt - now > TOLERANCE_MS ? own : shared
  return { total: Math.max(own.total, shared.total), endsAt: shared.endsAt }
}

/** The windows that are open now; of very many, those that were opened first are forgotten. */
function holdWindows() {
  const windows = new Map<string, Held>()
  const isOver = (held: Held) => held.endsAt <= performance.now() && held.waiting === 0
  const cleaning = setInterval(() => {
    for (const [subject, held] of windows) if (isOver(held)) windows.delete(subject)
  }, 60_000).unref()
  return {
    of(subject: string): Held {
      const known = windows.get(subject)
      if (known && !isOver(known)) return known
      const held = { total: 0, left: 0, endsAt: 0, waiting: 0, fetching: null }
      windows.delete(subject)
      windows.set(subject, held)
      const [oldest = subject] = windows.size > MOST_HELD ? windows.keys() : []
      if (oldest !== subject) windows.delete(oldest)
      return held
    },
    stop: () => clearInterval(cleaning),
  }
}
