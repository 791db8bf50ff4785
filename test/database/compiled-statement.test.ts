import { describe, expect, test } from '@jest/globals'
import { compiledFrom, standInFor, STAND_IN_TENANT, valuesFor } from '../../src/database/compiled-statement.ts'

const TENANT = '0198c0de-0000-7000-8000-000000000001'
const ofTenant = { ofTenant: true }
const text = standInFor(0, 'anything')
const list = standInFor(1, ['a', 'b'])
const date = standInFor(2, new Date())
/** A list as the ORM hands it on: taken apart, its one stand-in. */
const [inList] = list

const compiled = (sql: string, params: unknown[], standIns = [text, list, date]) =>
  compiledFrom({ sql, params }, standIns, ofTenant)

describe('a statement is made', () => {
  test('of values by their places, the tenant and what is always the same, whatever their order', () => {
    const statement = compiled('select ? where b in (?) and t = ? and c = ? and a = ? or a = ?', [
      7,
      inList,
      STAND_IN_TENANT,
      date,
      text,
      text,
    ])
    expect(statement.text).toBe('select $1 where b = any($2) and t = $3 and c = $4 and a = $5 or a = $6')
    const at = new Date(5)
    expect(valuesFor(statement, ['one', ['x', 'y', 'z'], at], TENANT)).toEqual([
      7,
      ['x', 'y', 'z'],
      TENANT,
      at,
      'one',
      'one',
    ])
  })

  test('with a list that is cast as it stands', () => {
    expect(compiled('select unnest(?::uuid[]) where t = ?', [list, STAND_IN_TENANT], [text, list].slice(1)).text).toBe(
      'select unnest($1::uuid[]) where t = $2',
    )
  })

  test('under a name that no other has', () => {
    const make = () => compiled('? ?', [STAND_IN_TENANT, text], [text]).name
    expect(make()).not.toBe(make())
  })
})

describe('no statement is made', () => {
  test('about rows of a tenant without the tenant', () => {
    const query = { sql: 'select ?', params: [text] }
    expect(() => compiledFrom(query, [text], ofTenant)).toThrow('does not name the tenant')
    expect(compiledFrom(query, [text], { ofTenant: false }).slots).toEqual([{ value: 0 }])
  })

  test('where a value has no place: a condition has been lost', () => {
    expect(() => compiled('? ?', [STAND_IN_TENANT, text], [text, date])).toThrow('has no place')
  })

  test.each([
    ['an operator', 'select a ? b where t = ? and a = ?'],
    ['a name', 'select "what?" where t = ? and a = ?'],
    ['a text', `select '?' where t = ? and a = ?`],
  ])('where a question mark is no value but %s', (_, sql) => {
    expect(() => compiled(sql, [STAND_IN_TENANT, text], [text])).toThrow('cannot be told from its text')
  })

  test('where there are fewer question marks than values', () => {
    expect(() => compiled('select 1 where t = ?', [STAND_IN_TENANT, text], [text])).toThrow('cannot be told')
  })

  test.each(['a = ?', 'a not in (?)', 'a in (?, 1)', 'a in (1, ?)', 'f(?)', 'a like any (?)'])(
    'where a list cannot stand: %s',
    (condition) => {
      const sql = `select 1 where t = ? and ${condition}`
      expect(() => compiled(sql, [STAND_IN_TENANT, inList], [text, list].slice(1))).toThrow(
        'A list stands where none can',
      )
    },
  )
})

describe('a value is only a value', () => {
  const statement = compiled('select 1 where t = ? and a = ?', [STAND_IN_TENANT, text], [text])

  test.each([STAND_IN_TENANT, text, '$1', '?', `' or 1 = 1 --`, '1; drop table projects'])(
    'whatever it is like: %s',
    (value) => {
      expect(valuesFor(statement, [value], TENANT)).toEqual([TENANT, value])
      expect(statement.text).toBe('select 1 where t = $1 and a = $2')
    },
  )

  test('stand-ins are of the type of their values, and no two are alike', () => {
    const at = [0, 1, 15, 16, 255, 256]
    for (const value of ['a', new Date(), ['a']]) {
      const made = at.map((each) => standInFor(each, value))
      expect(made.every((each) => each.constructor === value.constructor)).toBe(true)
      expect(new Set(made.map((each) => JSON.stringify(each))).size).toBe(at.length)
      expect(JSON.stringify(made)).not.toContain(STAND_IN_TENANT)
    }
  })
})
