import { expect, test } from '@jest/globals'
import { poolSizeOf } from '../../src/database/pool-size.ts'

const sizeOf = (available: number, workers: number, given: number | null = null, listeners = 3) =>
  poolSizeOf({ available, workers, listeners, given })

function outcomeOf(available: number, workers: number): number | 'refused' {
  try {
    return sizeOf(available, workers)
  } catch {
    return 'refused'
  }
}

test.each([
  // What PostgreSQL allows by default is 100, less 3 for superusers.
  [97, 1, 10],
  [97, 2, 10],
  [97, 3, 10],
  [97, 4, 9],
  [97, 8, 3],
  [97, 16, 2],
  [97, 24, 1],
  [497, 16, 10],
  [20, 1, 7],
  [10, 1, 2],
  [4, 1, 1],
])('of %i connections, each of %i workers has a pool of %i', (available, workers, expected) => {
  expect(sizeOf(available, workers)).toBe(expected)
})

test('more connections to listen on leave fewer for the pool', () => {
  expect([3, 4].map((listeners) => sizeOf(97, 4, null, listeners))).toEqual([9, 8])
})

test('whatever there is, the pools of all workers and what they listen on fit into it, or it is refused', () => {
  const wrong: unknown[] = []
  for (let available = 1; available <= 300; available += 1) {
    for (let workers = 1; workers <= 40; workers += 1) {
      const outcome = outcomeOf(available, workers)
      const fits = outcome !== 'refused' && outcome >= 1 && outcome <= 10 && workers * (outcome + 3) <= available
      const isRight = available < workers * 4 ? outcome === 'refused' : fits
      if (!isRight) wrong.push({ available, workers, outcome })
    }
  }
  expect(wrong).toEqual([])
})

test('a size that is given is taken as it is, to the last connection', () => {
  expect(sizeOf(97, 1, 94)).toBe(94)
  expect(sizeOf(97, 4, 1)).toBe(1)
  expect(sizeOf(97, 4, 21)).toBe(21)
})

test('a size that does not fit is refused with all of the numbers', () => {
  expect(() => sizeOf(97, 4, 22)).toThrow(
    'DATABASE_POOL_SIZE: the pools of 4 workers with 22 each, and 3 more to listen on, are 100 connections; the database ' +
      'lets this login have 97. Set it lower, or have fewer WORKERS, or raise the limit (max_connections, or that of the login).',
  )
  expect(() => sizeOf(97, 1, 95)).toThrow('the pool of 1 process')
})
