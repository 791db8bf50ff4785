import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { addEventHandler, getState, resetState, run, setState } from 'jest-circus'
import type { Answer, Cover, Failure, FileResult, FileRun, Hits, KnownTest, Question } from './messages.ts'

/**
 * A process that has loaded sources and tests, and runs the tests again and again, each time with another mutant: the
 * sources hold all of them, and a variable says which one is in force.
 */

type State = ReturnType<typeof getState>
type Block = State['rootDescribeBlock']
type Test = Block['tests'][number]

/** What the mutated sources look at: the interface between them and whoever runs tests. */
interface Switchboard {
  activeMutant?: string | undefined
  hitCount?: number | undefined
  hitLimit?: number | undefined
  currentTestId?: string | undefined
  mutantCoverage?: { static: Hits; perTest: Record<string, Hits> }
}

const switchboard: Switchboard = ((globalThis as { __stryker__?: Switchboard }).__stryker__ ??= {})

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals'
      ? { url: new URL('./jest-globals.ts', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
})

const states = new Map<string, State>()
const modes = new WeakMap<Test, Test['mode']>()
let between: string | undefined

addEventHandler((event) => {
  if (event.name === 'test_start') switchboard.currentTestId = idOf(event.test)
  if (event.name === 'test_done' || event.name === 'test_skip') switchboard.currentTestId = between
  if (event.name === 'test_done' && event.test.errors.length > 0) for (const test of testsOf()) test.mode = 'skip'
})

/** As Jest does, an error that nobody catches fails the test in which it comes up. */
const noteStray = (error: unknown) => {
  const { currentlyRunningTest, unhandledErrors } = getState()
  ;(currentlyRunningTest?.errors ?? unhandledErrors).push(error)
}
process.on('unhandledRejection', noteStray).on('uncaughtException', noteStray)

async function load(file: string): Promise<State> {
  const known = states.get(file)
  if (known) return known
  resetState()
  const state = getState()
  state.testTimeout = 180_000
  await import(pathToFileURL(resolve(file)).href)
  states.set(file, state)
  setState(state)
  numberTests(file)
  return state
}

const ids = new WeakMap<Test, string>()
const idOf = (test: Test) => ids.get(test) ?? test.name

function testsOf(block: Block = getState().rootDescribeBlock): Test[] {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsOf(child)))
}

/** By their place: two tests of a file may have one name, and a name may be another in the next process. */
function numberTests(file: string): void {
  for (const [at, test] of testsOf().entries()) {
    ids.set(test, `${file} #${at + 1}`)
    modes.set(test, test.mode)
  }
}

function nameOf(test: Test): string {
  const path = [test.name]
  for (let block = test.parent; block.parent; block = block.parent) path.unshift(block.name)
  return path.join(' ')
}

/** Runs some of the tests of the file that is loaded, to the first that fails. */
async function runTests(wanted: ReadonlySet<string> | null): Promise<{ failure: Failure | null; ran: Test[] }> {
  const state = getState()
  Object.assign(state, { hasStarted: false, unhandledErrors: [], currentlyRunningTest: null })
  const tests = testsOf()
  for (const test of tests) {
    const isWanted = wanted?.has(idOf(test)) ?? true
    Object.assign(test, { errors: [], status: null, invocations: 0, mode: isWanted ? modes.get(test) : 'skip' })
  }
  await run()
  const ran = tests.filter(({ status }) => status === 'done')
  const failed = tests.find(({ errors }) => errors.length > 0)
  if (failed) return { failure: { test: idOf(failed), message: inWords(failed.errors[0]) }, ran }
  const first = wanted ? [...wanted][0] : tests.map(idOf)[0]
  const stray: unknown = state.unhandledErrors[0]
  return { failure: stray ? { test: first ?? '', message: inWords(stray) } : null, ran }
}

function inWords(error: unknown): string {
  const [thrown] = (Array.isArray(error) ? error : [error]) as unknown[]
  return thrown instanceof Error ? thrown.message : String(thrown)
}

async function runFile({ file, tests, mutant, hitLimit }: FileRun): Promise<FileResult> {
  const isLoaded = states.has(file)
  // What is loaded already must not have been made by a mutant; what is loaded now is what is asked about.
  switchboard.activeMutant = mutant ?? undefined
  Object.assign(switchboard, { hitLimit, hitCount: hitLimit === undefined ? undefined : 0 })
  try {
    setState(await load(file))
    const { failure, ran } = await runTests(tests && new Set(tests))
    return { failure, ran: ran.length, isEndless: isOver() }
  } catch (error) {
    if (isLoaded) throw error
    return { failure: { test: tests?.[0] ?? file, message: inWords(error) }, ran: 0, isEndless: isOver() }
  } finally {
    switchboard.activeMutant = undefined
  }
}

const isOver = () => (switchboard.hitCount ?? 0) > (switchboard.hitLimit ?? Infinity)

async function cover(sources: readonly string[], files: readonly string[]): Promise<Cover> {
  const coverage: Switchboard['mutantCoverage'] = { static: {}, perTest: {} }
  switchboard.mutantCoverage = coverage
  const known: KnownTest[] = []
  const failures: Failure[] = []
  for (const source of sources) await import(pathToFileURL(resolve(source)).href)
  for (const file of files) {
    switchboard.currentTestId = `import ${file}`
    await load(file)
    switchboard.currentTestId = between = `hooks ${file}`
    const { failure, ran } = await runTests(null)
    if (failure) failures.push(failure)
    known.push(...ran.map((test) => ({ id: idOf(test), name: nameOf(test), file, ms: test.duration ?? 0 })))
  }
  const by = (place: string) =>
    Object.fromEntries(files.map((file) => [file, coverage.perTest[`${place} ${file}`] ?? {}]))
  const testing = Object.fromEntries(known.map(({ id }) => [id, coverage.perTest[id] ?? {}]))
  const loading = coverage.static
  return { tests: known, failures, loading, importing: by('import'), hooks: by('hooks'), testing }
}

async function answer(question: Question): Promise<Answer> {
  if ('run' in question) return { run: await runFile(question.run) }
  return { cover: await cover(question.cover.sources, question.cover.files) }
}

process.on('message', (question: Question) => {
  void answer(question).then((told) => process.send?.(told))
})
process.on('disconnect', () => process.exit())
