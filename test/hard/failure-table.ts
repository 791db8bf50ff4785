import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'

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
  ...['killed-register', 'killed-refresh', 'killed-rotation', 'killed-migrations', 'two-migrating', 'sigterm'],
] as const
export type Failure = (typeof FAILURES)[number]

const placeOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const rows = placeOf('node_modules/.cache/tenantry-failures')
const table = placeOf('docs/failure.md')
const head = placeOf('test/hard/failure-head.md')

/** Before a run: what an older run has found proves nothing. Those of single files add up. */
export function forgetRows(): void {
  if (process.env.CI) rmSync(rows, { recursive: true, force: true })
  mkdirSync(rows, { recursive: true })
}

/** Notes what came of a failure, for the table that the run writes at its end. */
export function note(failure: Failure, row: Row): void {
  writeFileSync(`${rows}/${failure}.json`, JSON.stringify(row))
}

/** After a run: writes the table, if every failure has been tried. */
export async function writeTable(): Promise<void> {
  const files = FAILURES.map((failure) => `${rows}/${failure}.json`)
  const missing = FAILURES.filter((_, at) => !existsSync(files[at] ?? ''))
  if (missing.length > 0) {
    console.log(`docs/failure.md is left as it is; not tried: ${missing.join(', ')}`)
    return
  }
  const found = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Row)
  const lines = found.map(
    ({ failure, saw, slowestMs, backMs, kept }) =>
      `| ${failure} | ${saw} | ${seconds(slowestMs)} | ${seconds(backMs)} | ${kept} |`,
  )
  const titles = '| what failed | what clients saw | slowest answer | served again after | what was whole afterwards |'
  const text = `${readFileSync(head, 'utf8')}\n${titles}\n| --- | --- | ---: | ---: | --- |\n${lines.join('\n')}\n`
  const options = { ...(await resolveConfig(table)), parser: 'markdown' }
  writeFileSync(table, await format(text, options))
}

const seconds = (ms: number | null): string => (ms === null ? '' : `${(ms / 1_000).toFixed(1)} s`)
