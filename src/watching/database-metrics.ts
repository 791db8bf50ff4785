import { Gauge, type Registry } from 'prom-client'
import type { PoolState } from '../database/database.ts'
import type { DatabaseWatch } from '../database/watch.ts'
import { plainCounts } from './plain-counts.ts'
import { plainHistogram } from './plain-histogram.ts'
import type { Tracing } from './tracing.ts'

/** What is measured of the database and of the limiter. */
export interface DatabaseMetrics {
  /** A statement has been answered, or several that travelled together. */
  statement(seconds: number, failed: boolean): void
  /** A transaction has ended: for as long it has held a connection, or waited for one. */
  transaction(access: 'read' | 'write', seconds: number): void
  /** A request was let by a limit, or refused. @param policy a constant: the name of the limit, and not whom it is for */
  limited(policy: string, passes: boolean): void
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Makes the metrics of the database and of the limiter. */
export function databaseMetrics(registry: Registry): DatabaseMetrics {
  const durations = (name: string, label: string, help: string) =>
    plainHistogram(registry, { name: `tenantry_database_${name}_duration_seconds`, help, labels: [label] }, SECONDS)
  const statements = durations(
    'statement',
    'outcome',
    'From the sending of a statement, or of several that travel together, to the last row.',
  )
  const transactions = durations(
    'transaction',
    'access',
    'From the asking for a connection to the end of its transaction.',
  )
  const decisions = plainCounts(registry, {
    name: 'tenantry_rate_limit_decisions_total',
    help: 'What was counted under a limit, by the name of the limit, and whether there was any left.',
    labels: ['policy', 'decision'],
  })
  const [answered, failed] = [statements('ok'), statements('failed')]
  const held = { read: transactions('read'), write: transactions('write') }
  return {
    statement: (seconds, hasFailed) => (hasFailed ? failed : answered).observe(seconds),
    transaction: (access, seconds) => held[access].observe(seconds),
    limited: (policy, passes) => void (decisions(policy, passes ? 'allowed' : 'limited').value += 1),
  }
}

/** Measures what the database does, and traces it where that is configured. */
export function databaseWatch(metrics: DatabaseMetrics, tracing: Tracing | null): DatabaseWatch {
  return {
    statements(texts, seconds, failed) {
      metrics.statement(seconds, failed)
      tracing?.statements(texts, seconds, failed)
    },
    transaction: (access, seconds) => metrics.transaction(access, seconds),
  }
}

/** What lives as long as the server does, and is looked at when somebody asks. */
export interface Gauged {
  readonly database: { pool(): PoolState }
  readonly rateLimits: { isDegraded(): boolean }
  readonly revocations: { isLive(): boolean }
  readonly passwords: { unfinished(): number }
  readonly config: { readonly workers: number }
}

/** Makes the gauges of a server's services. */
export function gauge(registry: Registry, { database, rateLimits, revocations, passwords, config }: Gauged): void {
  const read = (name: string, help: string, value: () => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(value())
      },
    })
  const pool = 'tenantry_database_pool_connections'
  read(`${pool}_max`, 'Connections that the pool may open.', () => database.pool().most)
  read(`${pool}_open`, 'Connections that the pool has open.', () => database.pool().open)
  read(`${pool}_idle`, 'Open connections that nothing uses.', () => database.pool().idle)
  read('tenantry_database_pool_waiting', 'How much work waits for a connection.', () => database.pool().waiting)
  read('tenantry_rate_limits_degraded', '1: limits are counted by this process alone.', () =>
    Number(rateLimits.isDegraded()),
  )
  read('tenantry_revocations_live', '0: revocations may be missed, so each token asks the database.', () =>
    Number(revocations.isLive()),
  )
  read('tenantry_password_hash_unfinished', 'Passwords that are being hashed, or wait for it.', () =>
    passwords.unfinished(),
  )
  read('tenantry_workers', 'Processes that are to serve.', () => config.workers)
  read('tenantry_worker_up', '1 of each process that serves.', () => 1)
}
