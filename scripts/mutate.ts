import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { makeDatabaseImage, removeDatabaseImage } from '../test/make-database-image.ts'
import { mutationGroups, type MutationGroup } from './mutation/groups.ts'
import { TEST_FILES } from './mutation/warm-runner.ts'
import { explainedIn, inOneLine, isProven, scoresOf, type FileScore, type Mutant } from './mutation/survivors.ts'

const usage = `npm run mutate                        all that is listed in scripts/mutation/groups.ts
npm run mutate -- src/access/rules.ts these files
npm run mutate -- --changed [commit]  those that differ from the commit, or from the one before, and need no database`

/** The files that are asked for. @throws Error where one is none that is mutated. */
function wantedFiles(given: readonly string[]): ReadonlySet<string> {
  const known = Object.values(mutationGroups).flatMap(({ sources }) => sources)
  if (given.length === 0) return new Set(known)
  if (given[0] === '--changed') {
    const changed = execFileSync('git', ['diff', '--name-only', given[1] ?? 'HEAD~1', '--', 'src'], {
      encoding: 'utf8',
    })
    const quick = Object.values(mutationGroups).flatMap((group) => (group.needsDatabase ? [] : group.sources))
    return new Set(changed.split('\n').filter((file) => quick.includes(file)))
  }
  if (given.some((file) => !known.includes(file))) throw new Error(usage)
  return new Set(given)
}

/** The same random values each time, and few races: a mutant that is noticed now and then only is one that is not. */
const repetitions = { PROPERTY_SEED: '1', PROPERTY_RUNS: '40', PROPERTY_SHRINKING_MS: '1', RACE_ROUNDS: '3' }

/** The tests that need what is not there: as in jest.config.js. */
const LEFT_OUT = [
  ...(process.env.DATABASE_URL ? [] : ['.postgres.test.ts']),
  ...(process.env.REDIS_URL ? [] : ['.redis.test.ts']),
]

const testFilesOf = ({ tests }: MutationGroup) =>
  globSync([...tests]).filter((file) => !LEFT_OUT.some((ending) => file.endsWith(ending)))

/** Changes the files in one place after the other, and runs the group's tests that reach it. */
async function mutate(name: string, group: MutationGroup, files: readonly string[]): Promise<Mutant[]> {
  process.env[TEST_FILES] = JSON.stringify(testFilesOf(group))
  const results = await new Stryker({
    mutate: [...files],
    testRunner: 'warm',
    plugins: ['./scripts/mutation/warm-runner.ts'],
    testRunnerNodeArgs: ['--no-warnings'],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    incremental: true,
    incrementalFile: `node_modules/.cache/stryker/${name}.json`,
    reporters: ['progress-append-only'],
    tempDirName: '.stryker-tmp',
    ignorePatterns: ['bench', 'coverage', '.data'],
    disableTypeChecks: false,
    // The runner has an eye on the time itself, file by file.
    timeoutMS: 3_600_000,
    dryRunTimeoutMinutes: 20,
    allowConsoleColors: false,
  }).runMutationTest()
  return results.map(({ fileName, location: { start, end }, status, replacement }) => {
    // Lines and columns count from one.
    const lines = readFileSync(fileName, 'utf8')
      .split('\n')
      .slice(start.line - 1, end.line)
    lines[lines.length - 1] = lines.at(-1)?.slice(0, end.column - 1) ?? ''
    const original = inOneLine(lines.join('\n').slice(start.column - 1))
    return {
      file: relative('.', fileName),
      line: start.line,
      status,
      original,
      replacement: inOneLine(replacement),
    }
  })
}

function tell(scores: readonly FileScore[]): void {
  for (const score of scores) {
    const { file, mutants, killed, unexplained } = score
    const share = ((100 * killed) / mutants).toFixed(1)
    console.log(`${isProven(score) ? 'ok  ' : 'FAIL'} ${file}: ${killed} of ${mutants} noticed, ${share} %`)
    for (const { line, original, replacement } of unexplained) {
      console.log(`     line ${line}: \`${original}\` → \`${replacement}\``)
    }
  }
}

const wanted = wantedFiles(process.argv.slice(2))
const explained = explainedIn(readFileSync('docs/mutation.md', 'utf8'))
Object.assign(process.env, repetitions)
if (wanted.size > 0) await makeDatabaseImage()
for (const [name, group] of Object.entries(mutationGroups)) {
  const files = group.sources.filter((file) => wanted.has(file))
  if (files.length === 0) continue
  const scores = scoresOf(await mutate(name, group, files), explained).filter(({ file }) => files.includes(file))
  tell(scores)
  if (!scores.every(isProven)) process.exitCode = 1
}
await removeDatabaseImage()
