import { expect, test } from '@jest/globals'
import { sumClosingLine, sumJest } from '../../scripts/sum-results.ts'

/** Jest's results, as far as they are read. */
const results = (given: object): string =>
  JSON.stringify({ success: true, numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0, ...given })

test('passed and failed tests are counted', () => {
  const text = results({ success: false, numPassedTests: 7, numFailedTests: 2 })
  expect(sumJest('unit', text)).toEqual({ passed: 7, failed: 2, problems: [] })
})

test('a run without results is a failure', () => {
  for (const text of [null, '', '{"numPassedTests":', '{"numPassedTests":3}', 'null', '[]']) {
    expect(sumJest('unit', text)).toEqual({ passed: 0, failed: 1, problems: ['unit: Jest left no results'] })
  }
})

test('a run that executed no test is a failure', () => {
  expect(sumJest('unit', results({}))).toEqual({ passed: 0, failed: 1, problems: ['unit: no test was executed'] })
})

test('a test file that cannot be loaded is a failure', () => {
  const text = results({ success: false, numPassedTests: 3, numRuntimeErrorTestSuites: 2 })
  expect(sumJest('unit', text)).toMatchObject({ passed: 3, failed: 2 })
})

test('a run that Jest calls a failure is one, even without a failed test', () => {
  expect(sumJest('unit', results({ success: false, numPassedTests: 3 }))).toMatchObject({ passed: 3, failed: 1 })
})

test('the last closing line counts', () => {
  const text = '1 passed, 0 failed\nmore\n4 passed, 1 failed\n'
  expect(sumClosingLine('browser', text)).toEqual({ passed: 4, failed: 1, problems: [] })
})

test('a log without a closing line, or with nothing in it, is a failure', () => {
  expect(sumClosingLine('browser', null)).toMatchObject({ passed: 0, failed: 1 })
  expect(sumClosingLine('browser', 'said: 4 passed, 0 failed\n')).toMatchObject({ passed: 0, failed: 1 })
  expect(sumClosingLine('browser', '0 passed, 0 failed\n')).toMatchObject({ passed: 0, failed: 1 })
})
