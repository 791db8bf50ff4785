import { expect, test } from '@jest/globals'
import { advisoryLocks } from '../../src/database/advisory-locks.ts'
import { filesOf, placesOf } from '../repository/source-files.ts'

test('no two locks are one', () => {
  const numbers = Object.values(advisoryLocks)
  expect(new Set(numbers).size).toBe(numbers.length)
})

test('the numbers of locks stand in one place', () => {
  const sources = filesOf('src/**/*.ts').filter((path) => path !== 'src/database/advisory-locks.ts')
  expect(placesOf(/7_?265_?110_?\d{3}/, sources)).toEqual([])
})
