import { expect, test } from '@jest/globals'
import { createRestarts } from '../../src/workers/restarts.ts'

test('each worker that ends soon has its successor wait twice as long, up to half a minute', () => {
  const restarts = createRestarts()
  const waits = Array.from({ length: 12 }, () => {
    const wait = restarts.waitAfter(1_000)
    restarts.started()
    return wait
  })
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000])
})

test('one that has served for a minute is replaced as the first one was', () => {
  const restarts = createRestarts()
  for (let time = 0; time < 6; time += 1) restarts.waitAfter(59_999)
  expect(restarts.waitAfter(60_000)).toBe(100)
  expect(restarts.waitAfter(1_000)).toBe(200)
})

test('after seven starts in a row that have failed, no other is tried', () => {
  const restarts = createRestarts()
  const waits = Array.from({ length: 7 }, () => restarts.waitAfter(null))
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, null])
})

test('a start that has succeeded makes up for those that failed before it', () => {
  const restarts = createRestarts()
  for (let time = 0; time < 6; time += 1) expect(restarts.waitAfter(null)).not.toBeNull()
  restarts.started()
  for (let time = 0; time < 6; time += 1) expect(restarts.waitAfter(null)).not.toBeNull()
  expect(restarts.waitAfter(null)).toBeNull()
})
