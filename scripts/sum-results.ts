import { existsSync, readFileSync } from 'node:fs'

/** How a run ended. */
export interface Sum {
  passed: number
  failed: number
  /** What is wrong besides failed tests: no results, no test executed, a suite that did not even load. */
  problems: string[]
}

/** The part of Jest's `--json` output that is summed. */
interface JestResults {
  success: boolean
  numPassedTests: number
  numFailedTests: number
  numRuntimeErrorTestSuites: number
}

/** Counts a run of Jest by its own results. A crash without results and a run without tests each count as a failure. */
export function sumJest(name: string, text: string | null): Sum {
  const results = text === null ? null : parseResults(text)
  if (!results) return { passed: 0, failed: 1, problems: [`${name}: Jest left no results`] }
  const { numPassedTests: passed, numFailedTests, numRuntimeErrorTestSuites: unloaded } = results
  const problems = []
  if (passed + numFailedTests === 0) problems.push(`${name}: no test was executed`)
  if (unloaded > 0) problems.push(`${name}: ${unloaded} test files could not be run`)
  const failed = numFailedTests + unloaded
  if (failed === 0 && !results.success) problems.push(`${name}: Jest calls the run a failure`)
  return { passed, failed: failed === 0 && problems.length > 0 ? 1 : failed, problems }
}

/** Counts a run that closes with a line `N passed, N failed`; without that line it counts as a failure. */
export function sumClosingLine(name: string, text: string | null): Sum {
  const line = [...(text ?? '').matchAll(/^(\d+) passed, (\d+) failed\r?$/gm)].at(-1)
  const [passed, failed] = [Number(line?.[1] ?? 0), Number(line?.[2] ?? 0)]
  if (!line) return { passed: 0, failed: 1, problems: [`${name}: no closing line`] }
  if (passed + failed === 0) return { passed, failed: 1, problems: [`${name}: no test was executed`] }
  return { passed, failed, problems: [] }
}

/** @returns null for what is not a complete set of Jest's results. */
function parseResults(text: string): JestResults | null {
  try {
    const results = JSON.parse(text) as Partial<JestResults> | null
    const counts = [results?.numPassedTests, results?.numFailedTests, results?.numRuntimeErrorTestSuites]
    if (!counts.every((count) => Number.isInteger(count)) || typeof results?.success !== 'boolean') return null
    return results as JestResults
  } catch {
    return null
  }
}

/** Reads `name=file` arguments, `.json` files as Jest's, others by their closing line, and prints the sum. */
function main(files: readonly string[]): void {
  const sums = files.map((argument) => {
    const [name = '', file = ''] = argument.split('=')
    const text = existsSync(file) ? readFileSync(file, 'utf8') : null
    return file.endsWith('.json') ? sumJest(name, text) : sumClosingLine(name, text)
  })
  const add = (of: 'passed' | 'failed'): number => sums.reduce((total, sum) => total + sum[of], 0)
  for (const problem of sums.flatMap((sum) => sum.problems)) console.log(problem)
  console.log(`${add('passed')} passed, ${add('failed')} failed`)
  if (sums.length === 0 || add('failed') > 0) process.exitCode = 1
}

if (import.meta.main) main(process.argv.slice(2))
