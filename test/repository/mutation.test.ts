import { existsSync, globSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { mutationGroups } from '../../scripts/mutation/groups.ts'
import { explainedIn, inOneLine, isProven, scoresOf, type Mutant } from '../../scripts/mutation/survivors.ts'
import { root, textOf } from './source-files.ts'

const mutant = (status: string, original = 'a > b', replacement = 'a >= b'): Mutant => ({
  ...{ file: 'src/a.ts', line: 1, status, original, replacement },
})

test('every file that is mutated is there, once, and has tests', () => {
  const groups = Object.values(mutationGroups)
  const files = groups.flatMap(({ sources }) => sources)
  expect(files.filter((file) => !existsSync(root + file))).toEqual([])
  expect(new Set(files).size).toBe(files.length)
  const patterns = groups.flatMap(({ tests }) => tests)
  expect(patterns.filter((pattern) => globSync(pattern, { cwd: root }).length === 0)).toEqual([])
})

test('a survivor without a reason fails its file, and one with a reason does not', () => {
  const explained = explainedIn(
    '### `src/a.ts`\n\n- `a > b` → `a >= b`: never equal\n- `` `x` `` → ` `` `: a text for people\n',
  )
  const killed = Array.from({ length: 30 }, () => mutant('Killed'))
  const proven = (...others: Mutant[]) => scoresOf([...killed, ...others], explained).map(isProven)
  expect(proven(mutant('Survived'), mutant('Survived', '`x`', '``'))).toEqual([true])
  for (const status of ['Survived', 'NoCoverage', 'Ignored']) {
    expect(proven(mutant(status, 'a > c'))).toEqual([false])
    expect(proven(mutant(status, 'a > b', 'a < b'))).toEqual([false])
    expect(proven({ ...mutant(status), file: 'src/b.ts' })).toEqual([true, false])
  }
})

test('reasons for more than a tenth of a file are no reasons', () => {
  const explained = explainedIn('### `src/a.ts`\n\n- `a > b` → `a >= b`: never equal\n')
  const run = (killed: number) => [...Array.from({ length: killed }, () => mutant('Timeout')), mutant('Survived')]
  expect(scoresOf(run(9), explained).map(isProven)).toEqual([true])
  expect(scoresOf(run(8), explained).map(isProven)).toEqual([false])
})

test('a line of the list without a reason explains nothing', () => {
  expect(explainedIn('### `src/a.ts`\n\n- `a` → `b`: \n- `a` → `b`\n').size).toBe(0)
})

test('a long piece of source is cut, and line breaks do not matter', () => {
  expect(inOneLine(' a\n    b ')).toBe('a b')
  expect(inOneLine('x'.repeat(200))).toBe(`${'x'.repeat(100)}…`)
})

test('the list explains mutants of sources that are there', () => {
  const files = [...textOf('docs/mutation.md').matchAll(/^### `(.+)`/gm)].map((match) => match[1] ?? '')
  expect(files.filter((file) => !existsSync(root + file))).toEqual([])
})
