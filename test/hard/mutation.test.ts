import { spawnSync } from 'node:child_process'
import { expect, test } from '@jest/globals'
import { root, run } from '../given-process.ts'

/** What the changes are looked at from: a commit. */
const BASE = process.env.MUTATION_BASE ?? 'HEAD~1'

/** Without a history nothing has changed. */
const base = spawnSync('git', ['rev-parse', '--verify', BASE], { cwd: root }).status === 0 ? BASE : 'HEAD'

test(
  `what the files that have changed since ${BASE} decide is noticed by the tests of it`,
  async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['scripts/mutate.ts', '--changed', base])
    expect({ code, told: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, told: '' })
  },
  4 * 3_600_000,
)
