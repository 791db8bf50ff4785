import { afterEach, expect, jest, test } from '@jest/globals'
import { recordUses, type ApiKeyUses } from '../../src/principal/api-key-uses.ts'
import { createLogger } from '../../src/http/log.ts'

/** A recorder whose writes are kept here. */
function given() {
  const state = { now: 0, fails: false, logged: [] as string[] }
  const written: string[][] = []
  const em = {
    execute: async (_: string, [ids, times]: [string, string]) => {
      if (state.fails) throw new Error('down')
      const at = times.split(' ')
      written.push(ids.split(' ').map((id, index) => `${id} ${Date.parse(at[index]!)}`))
    },
  }
  const uses: ApiKeyUses = recordUses({
    write: (work) => work(em as never),
    log: createLogger('info', { write: (line: string) => void state.logged.push(line) }),
    clock: () => new Date(state.now),
  })
  return { uses, written, state }
}

afterEach(() => void jest.useRealTimers())

test('the last of many uses is written, once', async () => {
  const { uses, written, state } = given()
  for (state.now = 1; state.now <= 5; state.now += 1) uses.note('a')
  uses.note('b')
  await uses.flush()
  await uses.flush()
  expect(written).toEqual([['a 5', 'b 6']])
  await uses.stop()
})

test('a use is written within a minute', async () => {
  jest.useFakeTimers()
  const { uses, written } = given()
  uses.note('a')
  await jest.advanceTimersByTimeAsync(60_000)
  expect(written).toEqual([['a 0']])
  uses.note('a')
  await uses.stop()
  expect(written).toHaveLength(2)
})

test('what cannot be written is kept, and said', async () => {
  const { uses, written, state } = given()
  uses.note('a')
  uses.note('b')
  state.fails = true
  await uses.flush()
  expect(state.logged.join()).toContain('could not be written')
  state.fails = false
  state.now = 7
  uses.note('a')
  await uses.stop()
  expect(written).toEqual([['a 7', 'b 0']])
})

test('many keys are written in several statements', async () => {
  const { uses, written } = given()
  for (let key = 0; key < 2_500; key += 1) uses.note(`k${key}`)
  await uses.stop()
  expect(written.map((some) => some.length)).toEqual([1_000, 1_000, 500])
})
