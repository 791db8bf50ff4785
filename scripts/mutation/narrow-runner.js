import { readFileSync, writeFileSync } from 'node:fs'
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin'
import { strykerPlugins } from '@stryker-mutator/jest-runner'

const [jest] = strykerPlugins

/** Where the first run says which file each test is in: beside the sources that are mutated, for the runners after it. */
const TESTS = 'tests-of-mutants.json'

/**
 * Stryker's runner for Jest, which loads every test file for every mutant and runs all tests that reach it. This one takes
 * the files that hold such a test, the quickest first, and stops at the first that kills.
 */
function narrowRunner(injector) {
  const runner = jest.factory(injector)
  const dryRun = runner.dryRun.bind(runner)
  const mutantRun = runner.mutantRun.bind(runner)
  return Object.assign(runner, {
    async dryRun(options) {
      const result = await dryRun(options)
      writeFileSync(TESTS, JSON.stringify(result.tests ?? []))
      return result
    },
    async mutantRun(options) {
      let outcome
      for (const file of filesFor(options.testFilter)) {
        runner.jestConfig.testMatch = [file]
        outcome = await mutantRun(options)
        if (outcome.status !== 'survived') return outcome
      }
      return outcome
    },
  })
}
narrowRunner.inject = jest.factory.inject

/** The files of the tests that may notice a mutant, the quickest first. */
function filesFor(testFilter) {
  const tests = JSON.parse(readFileSync(TESTS, 'utf8'))
  const wanted = testFilter && new Set(testFilter)
  const durations = new Map()
  for (const { id, fileName, timeSpentMs } of tests) {
    if (!wanted || wanted.has(id)) durations.set(fileName, (durations.get(fileName) ?? 0) + timeSpentMs)
  }
  return [...durations].toSorted(([, one], [, other]) => one - other).map(([file]) => file)
}

export { strykerValidationSchema } from '@stryker-mutator/jest-runner'
export const strykerPluginsOf = [declareFactoryPlugin(PluginKind.TestRunner, 'narrow-jest', narrowRunner)]
export { strykerPluginsOf as strykerPlugins }
