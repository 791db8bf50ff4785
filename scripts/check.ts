import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'

/** One thing that holds for the whole tree, and the command that says so by its exit code. */
interface Check {
  name: string
  command: readonly [string, ...string[]]
  /** Why the check does not apply here. */
  skipped?: string
}

const cache = 'node_modules/.cache'
const contract = '../shared/contract/check.mjs'

// The long ones first: two run at a time, and the short ones fill up.
const checks: Check[] = [
  {
    name: 'lint',
    command: [
      'eslint',
      '--max-warnings=0',
      '--cache',
      `--cache-location=${cache}/eslint/`,
      '--ignore-pattern=schema/',
      '.',
    ],
  },
  {
    name: 'types',
    command: ['tsc', '--noEmit', '--incremental', `--tsBuildInfoFile`, `${cache}/tsconfig.tsbuildinfo`],
  },
  {
    name: 'types of bench',
    command: ['tsc', '--noEmit', '--project', 'bench'],
    ...(existsSync('bench/node_modules') ? {} : { skipped: 'its packages are not installed' }),
  },
  {
    name: 'format',
    command: ['prettier', '--check', '--log-level=warn', '--cache', '.'],
  },
  { name: 'migrations in step with entities', command: ['node', 'src/database/check-migrations.ts'] },
  // Without a cache: what one SDL file may say depends on all the others.
  { name: 'lint of the schema', command: ['eslint', '--max-warnings=0', 'schema/'] },
  { name: 'generated files fresh', command: ['graphql-codegen', '--config', 'codegen.yml', '--check'] },
  { name: 'imports', command: ['depcruise', '--output-type=err-long', 'src'] },
  { name: 'access matrix fresh', command: ['node', 'src/access/print-matrix.ts', '--check'] },
  { name: 'licences known, and listed', command: ['node', 'scripts/licences.ts', '--check'] },
  {
    name: 'contract kept',
    command: ['node', contract],
    ...(existsSync(contract) ? {} : { skipped: 'no contract beside the checkout' }),
  },
]

const path = [resolve('node_modules/.bin'), process.env.PATH].join(delimiter)
const environment = { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: undefined }

/** Runs a program to its end. @returns its exit code and all that it wrote. */
function run([program, ...rest]: Check['command']): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    const child = spawn(program, rest, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer): void => void (output += chunk.toString())
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => {
      done({ code: 1, output: error.message })
    })
    child.on('close', (code) => {
      done({ code: code ?? 1, output })
    })
  })
}

/** Runs one check and prints its line, followed by its output where it failed. @returns whether it holds. */
async function report(check: Check): Promise<boolean> {
  if (check.skipped) {
    console.log(`-    ${check.name.padEnd(34)} skipped: ${check.skipped}`)
    return true
  }
  const start = performance.now()
  const { code, output } = await run(check.command)
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6)
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${check.name.padEnd(34)}${seconds} s`)
  if (code !== 0) console.log(`\n$ ${check.command.join(' ')}\n${output.trim()}\n`)
  return code === 0
}

const waiting = [...checks]
const failed: string[] = []

/** Takes one check after another until none is left. */
async function work(): Promise<void> {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    if (!(await report(check))) failed.push(check.name)
  }
}

await Promise.all([work(), work()])
console.log(failed.length === 0 ? 'All checks hold.' : `Failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
