import { readFileSync, writeFileSync } from 'node:fs'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'
import {
  DryRunStatus,
  MutantRunStatus,
  TestStatus,
  type DryRunOptions,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestRunner,
} from '@stryker-mutator/api/test-runner'
import type { Cover, FileResult, FileRun, Hits } from './messages.ts'
import { WarmProcess } from './warm-process.ts'

/** The files of tests, as a list in JSON: set by `mutate.ts`. */
export const TEST_FILES = 'MUTATION_TEST_FILES'

/** What the first runner has found out, for those beside it: in the folder with the mutated sources. */
const COVER = 'cover-of-mutants.json'

/** For a machine that has more to do meanwhile. */
const SLOWER = 10
const LEAST_MS = 15_000

/** Mutants that one process has run may have left something behind. */
const MOST_RUNS = 50

type Verdict = FileResult | 'late' | 'ended'
type Switched = Pick<FileRun, 'mutant' | 'hitLimit'>
type Tests = ReadonlyMap<string, string[]>

/**
 * Stryker's runner for Jest loads every module anew for every mutant, which takes seconds where the tests take
 * milliseconds. This one keeps them loaded, and switches mutants. Whether a test that fails says something of the mutant,
 * and not of those before it, is tried by running it without one; and nothing is said to have survived that has not
 * been run in a process of its own.
 */
export class WarmRunner implements TestRunner {
  #warm: WarmProcess | null = null
  #runs = 0
  #cover: Cover | null = null
  readonly #kills = new Map<string, number>()

  capabilities() {
    return { reloadEnvironment: true }
  }

  async dryRun({ files = [] }: DryRunOptions): Promise<DryRunResult> {
    const process = new WarmProcess()
    const cover = await process.cover(files, testFiles()).finally(() => process.end())
    writeFileSync(COVER, JSON.stringify(cover))
    const [failure] = cover.failures
    if (failure) return { status: DryRunStatus.Error, errorMessage: `${failure.test}: ${failure.message}` }
    const tests = cover.tests.map(({ id, name, file, ms }) => ({
      ...{ id, name, fileName: file, timeSpentMs: ms },
      status: TestStatus.Success as const,
    }))
    return { status: DryRunStatus.Complete, tests, mutantCoverage: { static: cover.loading, perTest: perTest(cover) } }
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, sandboxFileName }: MutantRunOptions): Promise<MutantRunResult> {
    const cover = (this.#cover ??= JSON.parse(readFileSync(COVER, 'utf8')) as Cover)
    const mutant = activeMutant.id
    const tests = this.#inOrder(sandboxFileName, filesOf(cover, testFilter))
    const nrOfTests = [...tests.values()].flat().length
    const isMadeEarly =
      mutant in cover.loading || [...tests.keys()].some((file) => mutant in (cover.importing[file] ?? {}))
    // What was made while something was loaded, others have found in place: what they then do with it is not in the hits.
    const noticed = isMadeEarly
      ? await this.#alone({ mutant, hitLimit }, new Map([...tests, ...filesOf(cover, undefined)]))
      : ((await this.#amongOthers({ mutant, hitLimit }, tests)) ?? (await this.#alone({ mutant, hitLimit }, tests)))
    if (!noticed) return { status: MutantRunStatus.Survived, nrOfTests }
    const [file, verdict] = noticed
    const key = `${sandboxFileName} ${file}`
    this.#kills.set(key, (this.#kills.get(key) ?? 0) + 1)
    return resultOf(verdict, tests.get(file) ?? [], nrOfTests)
  }

  dispose() {
    this.#warm?.end()
    return Promise.resolve()
  }

  /** Tries a mutant in the process that others have been tried in. @returns the file that notices it, and how */
  async #amongOthers(mutant: Switched, tests: Tests): Promise<[string, Verdict] | null> {
    if (this.#runs++ % MOST_RUNS === 0) this.#dropWarm()
    for (const [file, wanted] of tests) {
      const process = (this.#warm ??= new WarmProcess())
      const verdict = await process.run({ file, tests: wanted, ...mutant }, this.#patience(file))
      if (!isNoticed(verdict)) continue
      if (typeof verdict === 'object' && (await this.#standsWithout(process, file, verdict))) return [file, verdict]
      // What the mutants before it have left may have done that, or made it late.
      this.#dropWarm()
      const noticed = await this.#alone(mutant, new Map([[file, wanted]]))
      if (noticed) return noticed
    }
    return null
  }

  /** Tries a mutant in a process of its own, which loads everything with it. */
  async #alone(mutant: Switched, tests: Tests): Promise<[string, Verdict] | null> {
    const process = new WarmProcess()
    try {
      for (const [file, wanted] of tests) {
        const verdict = await process.run({ file, tests: wanted, ...mutant }, this.#patience(file))
        if (isNoticed(verdict)) return [file, verdict]
      }
      return null
    } finally {
      process.end()
    }
  }

  #dropWarm(): void {
    this.#warm?.end()
    this.#warm = null
  }

  /** Whether the test that has failed passes without the mutant. */
  async #standsWithout(process: WarmProcess, file: string, { failure }: FileResult): Promise<boolean> {
    const again = await process.run({ file, tests: failure && [failure.test], mutant: null }, this.#patience(file))
    return !isNoticed(again)
  }

  /** Those first that have noticed most of the same source, and of these the quickest. */
  #inOrder(source: string, tests: Tests): Tests {
    const kills = (file: string) => this.#kills.get(`${source} ${file}`) ?? 0
    const order = ([one]: [string, string[]], [other]: [string, string[]]) =>
      kills(other) - kills(one) || this.#duration(one) - this.#duration(other)
    return new Map([...tests].toSorted(order))
  }

  #duration(file: string): number {
    return (this.#cover?.tests ?? []).reduce((sum, test) => (test.file === file ? sum + test.ms : sum), 0)
  }

  #patience(file: string): number {
    return LEAST_MS + SLOWER * this.#duration(file)
  }
}

const testFiles = () => JSON.parse(process.env[TEST_FILES] ?? '[]') as string[]

/** What a file's tests reach includes what is made while it is loaded, and what its hooks do. */
function perTest({ tests, importing, hooks, testing }: Cover): Record<string, Hits> {
  return Object.fromEntries(
    tests.map(({ id, file }) => [id, [importing[file], hooks[file], testing[id]].reduce<Hits>(summed, {})]),
  )
}

function summed(sum: Hits, hits: Hits = {}): Hits {
  for (const [mutant, times] of Object.entries(hits)) sum[mutant] = (sum[mutant] ?? 0) + times
  return sum
}

/** The tests that may notice a mutant, by file; all where it is not known which. */
function filesOf({ tests }: Cover, filter: readonly string[] | undefined): Tests {
  const wanted = filter && new Set(filter)
  const among = tests.filter(({ id }) => wanted?.has(id) ?? true)
  return new Map([...Map.groupBy(among, ({ file }) => file)].map(([file, of]) => [file, of.map(({ id }) => id)]))
}

const isNoticed = (verdict: Verdict) => typeof verdict === 'string' || verdict.isEndless || verdict.failure !== null

function resultOf(verdict: Verdict, [first = '']: readonly string[], nrOfTests: number): MutantRunResult {
  if (verdict === 'late') return { status: MutantRunStatus.Timeout, reason: 'The tests took too long' }
  if (verdict !== 'ended' && verdict.isEndless)
    return { status: MutantRunStatus.Timeout, reason: 'A loop without an end' }
  const failure = verdict === 'ended' ? null : verdict.failure
  const { test, message } = failure ?? { test: first, message: 'The process has ended' }
  return { status: MutantRunStatus.Killed, killedBy: [test], failureMessage: message, nrOfTests }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'warm', WarmRunner)]
