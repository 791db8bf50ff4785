import { test } from '@jest/globals'
import { check, defaultReportMessage, type IAsyncProperty } from 'fast-check'

const { PROPERTY_RUNS: RUNS, PROPERTY_SEED: SEED, PROPERTY_PATH: PATH } = process.env

/** The longest that a property is tried for; and, with a failure found, that a smaller one is looked for. */
const limitMs = (runs: number) => Math.min(600_000, 60_000 + runs * 300)

/**
 * A test of something that always holds: tried `runs` times with random values, or PROPERTY_RUNS times. The seed and the
 * number of runs are printed; a failure says which PROPERTY_SEED and PROPERTY_PATH show it again.
 */
export function property<Values>(name: string, runs: number, claim: () => IAsyncProperty<Values>): void {
  const numRuns = RUNS === undefined ? runs : Number(RUNS)
  const seed = SEED === undefined ? Date.now() | 0 : Number(SEED)
  const interruptAfterTimeLimit = limitMs(numRuns)
  const parameters = { numRuns, seed, interruptAfterTimeLimit, markInterruptAsFailure: true }
  const tried = async () => {
    const started = performance.now()
    const details = await check(claim(), { ...parameters, ...(PATH !== undefined && { path: PATH }) })
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    process.stdout.write(`property: ${name}: seed ${details.seed}, ${details.numRuns} runs, ${seconds} s\n`)
    if (!details.failed) return
    const replay = `PROPERTY_SEED=${details.seed} PROPERTY_PATH=${details.counterexamplePath ?? ''}`
    const { errorInstance: error } = details
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new Error(`To see it again: ${replay}\n${why}\n${defaultReportMessage(details) ?? ''}`)
  }
  test(name, tried, interruptAfterTimeLimit + 60_000)
}
