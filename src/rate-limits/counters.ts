import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import { runStatement } from '../database/statement.ts'

/** What has been taken from a limit by all instances, and for how long that counts. */
export interface Count {
  total: number
  /** Milliseconds until the window ends and counting starts afresh. */
  endsInMs: number
}

/** Counters that all instances share, or none: then {@link Counters.add} always answers null. */
export interface Counters {
  /** Adds to a subject's counter, whose window starts with the first. Null: nobody shares a count now. It never throws. */
  add(subject: string, points: number): Promise<Count | null>
  /** True while counts that should be shared are not. */
  isDegraded(): boolean
  stop(): void
}

interface CounterSettings {
  database: Database
  log: Logger
  config: Config['rateLimits']
  windowSeconds: number
}

const CONNECT_MS = 2_000
/** A request waits no longer for a limiter, and the next one not at all. */
const ANSWER_MS = 2_000
const RETRY_MS = 1_000
/** Of the pool that the requests' own statements need. */
const MOST_STATEMENTS = 2

interface Store {
  add(key: string, points: number): Promise<Count>
  /** What is known of a failure that the failure itself does not tell. */
  trouble(): Error | null
  /** Makes a new connection where the old one may be half open: nothing is heard on it for as long as TCP has patience. */
  reconnect(): void
  stop(): void
}

async function openRedis(
  { url, keyPrefix }: { url: string; keyPrefix: string },
  { windowSeconds }: CounterSettings,
): Promise<Store> {
  let trouble: Error | null = null
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    retryStrategy: () => RETRY_MS,
    connectionName: 'tenantry',
  })
  redis.on('error', (error: Error) => (trouble = error))
  redis.on('ready', () => (trouble = null))
  await redis.connect().catch(() => undefined)
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${keyPrefix}limit`,
    points: 1,
    duration: windowSeconds,
    rejectIfRedisNotReady: true,
  })
  return {
    async add(key, points) {
      const { consumedPoints, msBeforeNext } = await limiter.penalty(key, points)
      return { total: consumedPoints, endsInMs: msBeforeNext }
    },
    trouble: () => trouble,
    reconnect() {
      if (redis.status === 'ready') redis.disconnect(true)
    },
    stop: () => redis.disconnect(),
  }
}

// One atomic statement, on the database's clock: those of two instances differ, and by theirs each would end the other's
// windows (rate-limiter-flexible 11.4 sends its own time to PostgreSQL).
const ADD = `
  with clock as (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now)
  insert into rate_limit_counters as counter select $1::text, $2::int, now + $3::bigint from clock
  on conflict (key) do update set
    points = case when counter.expire > excluded.expire - $3::bigint then counter.points + excluded.points else excluded.points end,
    expire = case when counter.expire > excluded.expire - $3::bigint then counter.expire else excluded.expire end
  returning points as total, (expire - (select now from clock))::int as ends_in_ms`

/** A table, made by the migrations. */
function openTable({ database, windowSeconds }: CounterSettings): Store {
  const inTurn = pLimit(MOST_STATEMENTS)
  return {
    async add(key, points) {
      const values = [key, points, windowSeconds * 1_000]
      const { rows } = await inTurn(() => runStatement(database, { text: ADD, values }))
      const [count] = rows as { total: number; ends_in_ms: number }[]
      if (!count) throw new Error('The counter has not answered')
      return { total: count.total, endsInMs: count.ends_in_ms }
    },
    trouble: () => null,
    reconnect: () => undefined,
    stop: () => undefined,
  }
}

/** Opens the counters: in Redis where it is configured, else in PostgreSQL, and nowhere where memory is asked for. */
export async function openCounters(settings: CounterSettings): Promise<Counters> {
  const { config, log, windowSeconds } = settings
  if (config.inMemory) return { add: async () => null, isDegraded: () => false, stop: () => undefined }
  const store = config.redis ? await openRedis(config.redis, settings) : openTable(settings)
  let probing: NodeJS.Timeout | null = null

  async function ask(subject: string, points: number): Promise<Count> {
    const { total, endsInMs } = await inTime(store.add(keyOf(subject), points))
    return { total, endsInMs: Math.min(endsInMs, windowSeconds * 1_000) }
  }
  function failed(error: unknown): void {
    if (probing !== null) return
    log.warn({ err: store.trouble() ?? error }, 'rate limits are counted in the memory of this instance alone')
    probing = setInterval(() => void probe(), RETRY_MS).unref()
  }
  /** By what has failed: a store that answers may still not count. */
  async function probe(): Promise<void> {
    try {
      await ask('probe', 1)
    } catch {
      store.reconnect()
      return
    }
    if (probing === null) return
    clearInterval(probing)
    probing = null
    log.info('rate limits are counted for all instances again')
  }
  await ask('probe', 1).catch(failed)

  return {
    async add(subject, points) {
      // Nobody waits for a store that did not answer a moment ago.
      if (probing !== null) return null
      try {
        return await ask(subject, points)
      } catch (error) {
        failed(error)
        return null
      }
    },
    isDegraded: () => probing !== null,
    stop() {
      if (probing !== null) clearInterval(probing)
      store.stop()
    },
  }
}

/** @throws Error where the answer is late; it may come all the same, and is dropped. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Addresses and e-mail addresses are not for whoever reads the store. */
const keyOf = (subject: string) => createHash('sha256').update(subject).digest('base64url')
