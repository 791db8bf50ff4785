import { readFileSync } from 'node:fs'
import { findingOf, keepFinding, placeOf, tableOf, writePage } from './findings.ts'

/** One failure that was tried, and what came of it. */
export interface Row {
  /** What was made to fail, and for how long. */
  failure: string
  /** What the clients saw meanwhile. */
  saw: string
  /** The longest that a client waited for an answer, in milliseconds; null where there was none. */
  slowestMs: number | null
  /** How long after the failure's end the last request failed, in milliseconds; null where that makes no sense. */
  backMs: number | null
  /** What was looked for afterwards, and found to be whole. */
  kept: string
}

/** Every failure that must be in the table, in its order. */
const FAILURES = [
  ...['postgres-restart', 'postgres-crash', 'postgres-failover', 'postgres-cut', 'postgres-half-open', 'postgres-slow'],
  ...[
    'pool-exhausted',
    'disk-full',
    'serialization',
    'deadlocks',
    'redis-gone',
    'redis-half-open',
    'jwks-gone',
    'clock',
  ],
  ...['killed-register', 'killed-refresh', 'killed-rotation', 'killed-migrations', 'two-migrating'],
  ...['sigterm', 'sigterm-grace'],
] as const
export type Failure = (typeof FAILURES)[number]

/** Notes what came of a failure, for the table that the run writes at its end. */
export function note(failure: Failure, row: Row): void {
  keepFinding(failure, row)
}

/** After a run: writes the table, if every failure has been tried. */
export async function writeTable(): Promise<void> {
  const missing = FAILURES.filter((failure) => findingOf(failure) === null)
  if (missing.length > 0) {
    console.log(`docs/failure.md is left as it is; not tried: ${missing.join(', ')}`)
    return
  }
  const rows = FAILURES.map((failure) => {
    const row: Row = findingOf(failure)
    return [row.failure, row.saw, seconds(row.slowestMs), seconds(row.backMs), row.kept]
  })
  const titles = [
    'what failed',
    'what clients saw',
    'slowest answer',
    'served again after',
    'what was whole afterwards',
  ]
  const table = tableOf(titles, ['---', '---', '---:', '---:', '---'], rows)
  await writePage('docs/failure.md', `${readFileSync(placeOf('test/hard/failure-head.md'), 'utf8')}\n${table}\n`)
}

const seconds = (ms: number | null): string => (ms === null ? '' : `${(ms / 1_000).toFixed(1)} s`)
