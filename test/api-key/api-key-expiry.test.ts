import { expect, test } from '@jest/globals'
import { daysLeft, endingAt, noticeDays } from '../../src/modules/api-key/api-key-expiry.ts'

const NOW = new Date('2030-01-01T00:00:00.000Z')
const DAY_MS = 86_400_000
const inDays = (days: number, ms = 0) => new Date(NOW.getTime() + days * DAY_MS + ms)

test.each([
  [365, null],
  [31, null],
  [30, 30],
  [29, 30],
  [8, 30],
  [7, 7],
  [5, 7],
  [2, 7],
  [1, 1],
  [0.5, 1],
  [0, 1],
  [-3, 1],
])('with %p days left, the most urgent notice that is due is that of %p', (days, notice) => {
  expect(noticeDays(inDays(days), NOW)).toBe(notice)
})

test('a notice is due from its very millisecond on', () => {
  for (const days of [30, 7, 1]) {
    expect(noticeDays(inDays(days, 1), NOW)).not.toBe(days)
    expect(noticeDays(inDays(days), NOW)).toBe(days)
  }
})

test('a key that never expires has no notices', () => {
  expect(noticeDays(null, NOW)).toBeNull()
  expect(endingAt(null, NOW)).toEqual({ expiresAt: null, expiryNotifiedDays: null })
})

test('an expiry is set together with the notices that it leaves no time for', () => {
  expect(endingAt(inDays(5), NOW)).toEqual({ expiresAt: inDays(5), expiryNotifiedDays: 7 })
  expect(endingAt(inDays(90), NOW)).toEqual({ expiresAt: inDays(90), expiryNotifiedDays: null })
})

test('a begun day counts whole', () => {
  expect([daysLeft(inDays(7), NOW), daysLeft(inDays(7, -1), NOW), daysLeft(inDays(7, 1), NOW)]).toEqual([7, 7, 8])
})
