import { expect, test } from '@jest/globals'
import { apart, filledIn, type Where } from '../../src/database/select.ts'

const since = new Date(1)
const until = new Date(2)

const conditions: readonly [string, Where, unknown[]][] = [
  ['nothing', {}, []],
  ['equal', { id: 'one' }, ['one']],
  ['several, in their order', { b: 'one', a: 'two' }, ['one', 'two']],
  ['beyond', { id: { $gt: 'one' } }, ['one']],
  ['before', { id: { $lt: 'one' } }, ['one']],
  ['dates', { createdAt: { $gte: since, $lt: until } }, [since, until]],
  ['a list', { id: { $in: ['one', 'two'] } }, [['one', 'two']]],
  ['an empty list is one too', { name: { $in: [] } }, [[]]],
  ['null', { deactivatedAt: null }, []],
  ['always the same', { isSuperuser: true, version: 3 }, []],
  ['either', { $or: [{ name: { $gt: 'a' } }, { id: { $gt: 'one' } }] }, ['a', 'one']],
  ['all', { $and: [{ name: 'a' }, { $or: [{ at: since }, { id: { $in: ['x'] } }] }] }, ['a', since, ['x']]],
]

test.each(conditions)('values come apart from their condition in order, and go back: %s', (_, where, values) => {
  expect(apart(where).values).toEqual(values)
  expect(filledIn(where, values as string[])).toEqual(where)
})

test('other values go where the first ones were', () => {
  const where = { $and: [{ id: { $in: ['one', 'two'] } }, { at: { $gte: since } }, { name: 'a', gone: null }] }
  expect(filledIn(where, [['three'], until, 'b'])).toEqual({
    $and: [{ id: { $in: ['three'] } }, { at: { $gte: until } }, { name: 'b', gone: null }],
  })
  expect(where.$and[0]).toEqual({ id: { $in: ['one', 'two'] } })
})

test('conditions of the same form have the same key, however long their lists are', () => {
  expect(apart({ name: 'a', at: since, id: { $in: [] } }).key).toBe(
    apart({ name: '?', at: until, id: { $in: ['"', '[?]', '@'] } }).key,
  )
})

test('no two forms have the same key', () => {
  const forms = [...conditions.map(([, where]) => where), { a: 'two', b: 'one' }, { id: { $gte: 'one' } }]
  // What differs in what is always the same is not of the same form: that is part of the text.
  const more = [
    { version: 4, isSuperuser: true },
    { isSuperuser: false, version: 3 },
    { id: since },
    { $or: [{ id: 'a' }] },
  ]
  const keys = [...forms, ...more].map((where) => apart(where).key)
  expect(new Set(keys).size).toBe(keys.length)
})

test.each([`","b":"`, '?', '@', '[?]', '"}', '\\', '\u0000', '$in', '{"$in":["x"]}'])(
  'no value is part of the key, whatever it is like: %j',
  (value) => {
    expect(apart({ name: value, id: { $in: [value] } }).key).toBe(apart({ name: 'a', id: { $in: ['b'] } }).key)
  },
)

test.each([{ id: undefined }, { $and: [{ name: 'a', id: undefined }] }, { id: { $in: undefined } }])(
  'a condition that is undefined is refused: it would share the statement of one that is not there: %o',
  (where) => {
    expect(() => apart(where)).toThrow(/undefined/)
  },
)
