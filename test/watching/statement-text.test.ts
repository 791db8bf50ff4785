import { expect, test } from '@jest/globals'
import { summaryOf, withoutLiterals } from '../../src/watching/statement-text.ts'

test.each([
  [`select * from "users" where "email" = 'ada@example.com'`, `select * from "users" where "email" = ?`],
  [`select 'it''s', 'b' from t`, `select ?, ? from t`],
  [`select 'never closed`, `select ?`],
  [`select $$a 'text'$$, $x$ another $x$ from t`, `select ?, ? from t`],
  [
    `select "t1"."a2" from "t1" where a = $1 and b = $12 limit 51`,
    `select "t1"."a2" from "t1" where a = $1 and b = $12 limit ?`,
  ],
  [`select 1.5, -3, a1, md5(b) from t`, `select ?, -?, a1, md5(b) from t`],
  [`insert into t\n  values (?, ?)`, `insert into t values (?, ?)`],
])('no literal is left of %s', (text, expected) => {
  expect(withoutLiterals(text)).toBe(expected)
})

test('a very long text is cut before it is looked at, and leaves no half of a literal', () => {
  const text = withoutLiterals(`select '${'secret'.repeat(10_000)}'`)
  expect(text).toBe('select ?')
})

test.each([
  ['select "t"."id" as "id" from "projects" as "t" where x', 'select projects'],
  ['insert into "public"."audit_events" (a) values ($1)', 'insert audit_events'],
  ['update users set a = $1', 'update users'],
  ['delete from sessions', 'delete sessions'],
  ['begin isolation level repeatable read read only', 'begin'],
  ['', 'statement'],
])('%s does: %s', (text, summary) => {
  expect(summaryOf(text)).toBe(summary)
})
