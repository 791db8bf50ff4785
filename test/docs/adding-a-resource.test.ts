import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { root, run } from '../given-process.ts'
import { filesIn, pageOf } from './code-blocks.ts'

const files = filesIn(pageOf('docs/adding-a-resource.md'))
const copied = [
  ...['package.json', 'tsconfig.json', 'jest.config.js', 'codegen.yml', '.prettierrc.json'],
  ...['src', 'schema', 'scripts'],
  // The harness, and what it and Jest's set-up need: the files beside it, none of the folders.
  ...readdirSync(`${root}test`, { withFileTypes: true }).flatMap((each) => (each.isFile() ? `test/${each.name}` : [])),
]
let copy = ''

/** Runs one of the packages' programs in the copy, on the database of this run. */
const inCopy = (program: string, ...args: string[]) =>
  run(process.execPath, [program, ...args], { cwd: copy, env: { DATABASE_URL: process.env.DATABASE_URL } })

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'tenantry-widget-'))
  for (const path of copied) {
    await mkdir(dirname(join(copy, path)), { recursive: true })
    await cp(`${root}${path}`, join(copy, path), { recursive: true })
  }
  await symlink(`${root}node_modules`, join(copy, 'node_modules'))
  for (const [path, content] of files) {
    await mkdir(dirname(join(copy, path)), { recursive: true })
    await writeFile(join(copy, path), content)
  }
}, 180_000)
afterAll(() => rm(copy, { recursive: true, force: true }))

test('the page has one SDL file, one module, one migration and one test folder, and edits nothing', () => {
  expect([...new Set([...files.keys()].map((path) => dirname(path)))]).toEqual([
    'schema',
    'src/modules/widget',
    'src/database/migrations',
    'test/widget',
  ])
  expect([...files.keys()].filter((path) => existsSync(`${root}${path}`))).toEqual([])
})

test('codegen finds the new row, and the types hold', async () => {
  const generated = await inCopy('node_modules/@graphql-codegen/cli/esm/bin.js', '--config', 'codegen.yml')
  expect(generated).toMatchObject({ code: 0 })
  expect(await readFile(join(copy, 'src/generated/resolvers.ts'), 'utf8')).toContain('WidgetRow')
  expect(await inCopy('node_modules/typescript/bin/tsc', '--noEmit')).toMatchObject({ stdout: '', code: 0 })
}, 180_000)

test('the migration makes what the entity says', async () => {
  expect(await inCopy('src/database/check-migrations.ts')).toMatchObject({ stderr: '', code: 0 })
}, 180_000)

test('the access matrix has the new fields with what they require', async () => {
  const matrix = await inCopy('src/access/print-matrix.ts')
  expect(matrix).toMatchObject({ stderr: '', code: 0 })
  expect(matrix.stdout).toMatch(/Mutation\.createWidget.*write:widgets/)
  expect(matrix.stdout).toMatch(/Project\.widgets.*read:widgets/)
})

test("the page's own test passes: two organizations use the resource, and neither sees the other's", async () => {
  const results = join(copy, 'results.json')
  const arguments_ = ['node_modules/jest/bin/jest.js', 'test/widget', '--json', `--outputFile=${results}`]
  const tested = await inCopy('--experimental-vm-modules', ...arguments_)
  const { numPassedTests, numTotalTests } = JSON.parse(await readFile(results, 'utf8')) as Record<string, number>
  expect(tested).toMatchObject({ code: 0 })
  expect(numTotalTests).toBeGreaterThan(3)
  expect(numPassedTests).toBe(numTotalTests)
}, 180_000)
