import { expect, test } from '@jest/globals'
import { locatedError } from 'graphql'
import { createLogger, describeError } from '../../src/http/log.ts'

/** What a logger writes of these fields. */
function logged(...lines: object[]): string {
  let written = ''
  const log = createLogger('info', { write: (line) => void (written += line) })
  for (const line of lines) log.info(line, 'by mistake')
  expect(written).toContain('by mistake')
  return written
}

const apiKey = `tk_test_${'s3'.repeat(25)}`
const accessToken = `eyJ${'s3'.repeat(20)}.s3.s3`
const refreshToken = `rt_${'s3'.repeat(43)}`

test('what has the form of a credential is blotted out of a line, whatever it goes by the name of', () => {
  for (const secret of [apiKey, accessToken, refreshToken]) {
    expect(logged({ operationName: secret }, { deep: { note: `given: ${secret}` } })).not.toContain('s3')
  }
  expect(logged({ operationName: 'Eyjafjord_tk_test' })).toContain('"operationName":"Eyjafjord_tk_test"')
})

test('an error that is logged as it is leaves out what describing it leaves out', () => {
  const error = Object.assign(new Error("update users set name = 's3' - failed"), { detail: 'Key (email)=(s3)' })
  const line = logged({ err: error })
  expect(line).toContain("name = '?'")
  expect(line).not.toContain('s3')
})

test('an error is described without the values of its statement, however long they are', () => {
  const messages = [
    "select 1 where name = 's3'",
    "select 1 where name = 'it''s s3'",
    `select 1 where name ilike '%${'s3'.repeat(60_000)}%' - canceling statement due to statement timeout`,
    `select 1 where token = E'\\\\s3''s3' - failed`,
  ]
  for (const message of messages) {
    expect(describeError(new Error(message)).message).toContain("'?'")
    expect(describeError(new Error(message)).message).not.toContain('s3')
  }
})

test('an error is described without what its message passes off as a stack', () => {
  const described = describeError(new Error('failed\n    at s3'))
  expect(described.stack).toMatch(/^ +at .*log\.test\.ts/)
  expect(described.stack).not.toContain('s3')
})

test('what is thrown and is no error is not written out', () => {
  const thrown = locatedError({ headers: { authorization: 's3' } }, undefined)
  expect(JSON.stringify(describeError(thrown.originalError))).not.toContain('s3')
})

test('an error is described without the value that the database or a parser could not read', () => {
  const parsing = () => {
    try {
      return JSON.parse('s3 "s3') as never
    } catch (error) {
      return error
    }
  }
  const errors = [
    new Error('invalid input syntax for type uuid: "s3"'),
    new Error('select 1 - date/time field value out of range: "s3 "s3""'),
    new Error(`The key was ${apiKey}, the token ${refreshToken}`),
    parsing(),
  ]
  for (const error of errors) expect(describeError(error).message).not.toContain('s3')
  expect(describeError(errors[0]).message).toBe('invalid input syntax for type uuid: "?"')
})
