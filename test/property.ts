import { test } from '@jest/globals'
import { check, defaultReportMessage, interruptAfterTimeLimit, type IAsyncProperty, type Parameters } from 'fast-check'

const { PROPERTY_RUNS: RUNS, PROPERTY_SEED: SEED, PROPERTY_PATH: PATH } = process.env

/** How long a smaller counterexample is looked for. */
const SHRINKING_MS = Number(process.env.PROPERTY_SHRINKING_MS ?? 120_000)

/** The longest that a run takes on the slowest of machines, on average. */
const A_RUN_MS = 400

/**
 * A test of something that always holds: tried `runs` times with random values, or PROPERTY_RUNS times. The seed and the
 * number of runs are printed; a failure says which PROPERTY_SEED and PROPERTY_PATH show it again.
 */
export function property<Values>(name: string, runs: number, claim: () => IAsyncProperty<Values>): void {
  const numRuns = RUNS === undefined ? runs : Number(RUNS)
  const seed = SEED === undefined ? Date.now() | 0 : Number(SEED)
  const tried = async () => {
    const started = performance.now()
    const found = await check(claim(), { numRuns, seed, endOnFailure: true, ...(PATH !== undefined && { path: PATH }) })
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    process.stdout.write(`property: ${name}: seed ${seed}, ${found.numRuns} runs, ${seconds} s\n`)
    if (found.failed) throw new Error(await smallest(claim(), { seed, path: found.counterexamplePath ?? '' }))
  }
  test(name, tried, numRuns * A_RUN_MS + 2 * SHRINKING_MS)
}

/** What the smallest counterexample is that is found in time, and how to see it again. */
async function smallest<Values>(claim: IAsyncProperty<Values>, at: { seed: number; path: string }): Promise<string> {
  const parameters: Parameters<Values> = { ...at, numRuns: 1, plugins: [interruptAfterTimeLimit(SHRINKING_MS)] }
  const details = await check(claim, parameters)
  const { errorInstance: error, counterexamplePath } = details
  const why =
    error instanceof Error ? (error.stack ?? error.message) : 'It did not fail again by itself: repeat all runs.'
  const replay = `PROPERTY_SEED=${at.seed} PROPERTY_PATH=${counterexamplePath ?? at.path}`
  return `To see it again: ${replay}\n${why}\n${defaultReportMessage(details) ?? ''}`
}
