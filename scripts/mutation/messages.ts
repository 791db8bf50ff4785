/** What the runner asks of a process with the tests: `warm-tests.ts`. */
export type Question = { cover: { sources: readonly string[]; files: readonly string[] } } | { run: FileRun }

/** Some tests of a file, or all of them, with a mutant or without one. */
export interface FileRun {
  file: string
  tests: readonly string[] | null
  mutant: string | null
  /** More runs of the mutated place than this are a loop without an end. */
  hitLimit?: number | undefined
}

export interface Failure {
  test: string
  message: string
}

/** How some tests of a file went: to the first that failed. */
export interface FileResult {
  failure: Failure | null
  ran: number
  isEndless: boolean
}

export interface KnownTest {
  id: string
  name: string
  file: string
  ms: number
}

/** How often each mutant's place was run, by where. */
export type Hits = Record<string, number>

/** What is known of all tests after a run without a mutant. */
export interface Cover {
  tests: readonly KnownTest[]
  failures: readonly Failure[]
  /** While the sources were loaded. */
  loading: Hits
  /** While a file of tests was loaded: what it makes before its first test. */
  importing: Record<string, Hits>
  /** By a file's hooks, and between its tests. */
  hooks: Record<string, Hits>
  testing: Record<string, Hits>
}

export type Answer = { cover: Cover } | { run: FileResult }
