import { Client } from 'pg'
import type { Config } from '../config.ts'

/** More than this many statements at once make a process, which has one thread, no faster. */
const MOST = 10
/** What an instance takes of the server's connections by itself: the rest is for the one that replaces it, and for everybody else. */
const SHARE = 1 / 2

/** What the size of a pool follows from. */
export interface Connections {
  /** How many the server lets this login have, all of its processes together. */
  available: number
  /** How many processes share them. */
  workers: number
  /** How many each worker listens on, beside its pool. */
  listeners: number
  /** DATABASE_POOL_SIZE; null where it is not set. */
  given: number | null
}

/**
 * How many connections the pool of one worker has. Where it is not given: an equal part of half of those that are available,
 * less what the worker listens on, and 2 to 10 in any case; 1 where there are not 2 for each.
 * @throws Error where the workers could ask the server for more than it gives.
 */
export function poolSizeOf({ available, workers, listeners, given }: Connections): number {
  const part = Math.floor((available * SHARE) / workers) - listeners
  const most = Math.floor(available / workers) - listeners
  const size = given ?? Math.min(Math.max(part, 2), MOST, Math.max(most, 1))
  const needed = workers * (size + listeners)
  if (needed <= available) return size
  const pools = workers === 1 ? 'the pool of 1 process with' : `the pools of ${workers} workers with`
  const advice = given === null ? 'Have' : 'Set it lower, or have'
  throw new Error(
    `DATABASE_POOL_SIZE: ${pools} ${size} each, and ${listeners} more to listen on, are ${needed} connections; the database ` +
      `lets this login have ${available}. ${advice} fewer WORKERS, or raise the limit (max_connections, or that of the login).`,
  )
}

/** How many connections a process listens on: for revocations, for records, for issuers, and for keys that are in the database. */
export const listenersOf = ({ tokens }: Pick<Config, 'tokens'>): number => (tokens.shared ? 4 : 3)

// A limit of -1 is none. PostgreSQL 16 lets a server reserve more of them for others.
const AVAILABLE = `
  select least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true)::int, 0),
    (select nullif(rolconnlimit, -1) from pg_roles where rolname = session_user),
    (select nullif(datconnlimit, -1) from pg_database where datname = current_database())) as available`

/**
 * Asks the server of `DATABASE_URL` for its limits. @returns how many connections the pool of one worker has
 * @throws Error where it cannot be reached, or the pools would not fit; see {@link poolSizeOf}.
 */
export async function readPoolSize(config: Pick<Config, 'database' | 'workers' | 'tokens'>): Promise<number> {
  const { url, poolSize, statementTimeoutMs } = config.database
  if (!url) throw new Error('DATABASE_URL is not set')
  const client = new Client({
    connectionString: url,
    application_name: 'tenantry',
    connectionTimeoutMillis: statementTimeoutMs,
    statement_timeout: statementTimeoutMs,
  })
  await client.connect()
  try {
    const { rows } = await client.query<{ available: number }>(AVAILABLE)
    const available = rows[0]?.available ?? 0
    return poolSizeOf({ available, workers: config.workers, listeners: listenersOf(config), given: poolSize })
  } finally {
    await client.end()
  }
}
