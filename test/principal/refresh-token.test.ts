import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import {
  hashOf,
  isGenuine,
  newRefreshToken,
  newReuseKey,
  newSuccessorNonce,
  parseRefreshToken,
  successorOf,
  type RefreshToken,
} from '../../src/principal/refresh-token.ts'

const sessionId = '01930000-0000-7000-8000-0000000000ab'
const reuseKey = newReuseKey()
const first = newRefreshToken(sessionId, reuseKey)

function parsed(text: string): RefreshToken {
  const token = parseRefreshToken(text)
  if (!token) throw new Error('not a refresh token')
  return token
}

test('a new token names its session and has the hash that is kept', () => {
  const { secret, ...rest } = parsed(first.token)
  expect(first.token).toMatch(/^rt_[\w-]{86}$/)
  expect(rest.sessionId).toBe(sessionId)
  expect(first.hash).toBe(createHash('sha256').update(secret).digest('hex'))
  expect(hashOf(secret)).toBe(first.hash)
})

test('two tokens of one session share nothing but its id', () => {
  const other = newRefreshToken(sessionId, reuseKey)
  expect(other.token.slice(0, 24)).toBe(first.token.slice(0, 24))
  expect(other.token.slice(25)).not.toBe(first.token.slice(25))
  expect(other.hash).not.toBe(first.hash)
})

test('a session id that is no UUID makes no token', () => {
  for (const text of ['42', sessionId.toUpperCase(), `${sessionId}0`, `0${sessionId}`]) {
    expect(() => newRefreshToken(text, reuseKey)).toThrow('UUID')
  }
})

const body = first.token.slice(3)
test.each([
  ['nothing', ''],
  ['the prefix alone', 'rt_'],
  ['no prefix', body],
  ['another prefix', `tk_${body}`],
  ['a prefix in capitals', `RT_${body}`],
  ['a character less', first.token.slice(0, -1)],
  ['a character more', `${first.token}A`],
  ['padding', `${first.token.slice(0, -2)}==`],
  ['white space', `rt_ ${body.slice(1)}`],
  ["base64's own letters", `rt_+/${body.slice(2)}`],
  ['a respelled last character', first.token.slice(0, -1) + String.fromCharCode(first.token.charCodeAt(88) + 1)],
  ['NUL', `rt_\0${body.slice(1)}`],
  ['letters that are two bytes', `rt_ü${body.slice(1)}`],
  ['an access token', `eyJhbGciOiJIUzI1NiJ9.${body}`.slice(0, 89)],
])('%s is no refresh token', (_, text) => {
  expect(parseRefreshToken(text)).toBeNull()
})

test('every token that was issued is genuine, however old', () => {
  let token = parsed(first.token)
  for (let rotation = 0; rotation < 5; rotation += 1) {
    expect(isGenuine(token, reuseKey)).toBe(true)
    token = parsed(successorOf(token, newSuccessorNonce(), reuseKey).token)
  }
})

test('garbage made from a known session id is not genuine', () => {
  const bytes = Buffer.from(body, 'base64url')
  for (const position of [0, 15, 16, 47, 48, 63]) {
    const changed = Buffer.from(bytes)
    changed[position] = (changed[position] ?? 0) ^ 1
    expect(isGenuine(parsed(`rt_${changed.toString('base64url')}`), reuseKey)).toBe(false)
  }
})

test("a token made with another session's key is not genuine", () => {
  expect(isGenuine(parsed(newRefreshToken(sessionId, newReuseKey()).token), reuseKey)).toBe(false)
})

test('a token has one successor under one nonce, and another under another', () => {
  const token = parsed(first.token)
  const nonce = newSuccessorNonce()
  const successor = successorOf(token, nonce, reuseKey)
  expect(successorOf(parsed(first.token), nonce, reuseKey)).toEqual(successor)
  expect(successorOf(token, newSuccessorNonce(), reuseKey)).not.toEqual(successor)
  expect(successorOf(parsed(newRefreshToken(sessionId, reuseKey).token), nonce, reuseKey)).not.toEqual(successor)
  expect(parsed(successor.token).sessionId).toBe(sessionId)
  expect(hashOf(parsed(successor.token).secret)).toBe(successor.hash)
})

test('what the server stores does not give the successor', () => {
  const nonce = newSuccessorNonce()
  const successor = successorOf(parsed(first.token), nonce, reuseKey)
  const fromHash = { ...parsed(first.token), secret: Buffer.from(first.hash, 'hex') }
  expect(successorOf(fromHash, nonce, reuseKey).hash).not.toBe(successor.hash)
})

test('the derivation is the one that is written down, or a change of it would end every session', () => {
  const bytes = (length: number, value: number) => Buffer.alloc(length, value)
  const token = { sessionId, secret: bytes(32, 1), tag: bytes(16, 0) }
  expect(successorOf(token, bytes(32, 2), bytes(32, 3))).toEqual({
    hash: '995097ab7914f7cfba9dd97bf9acfd13e7a86bd4df11103730ed172fbd1d7573',
    token: 'rt_AZMAAAAAcACAAAAAAAAAqw2MFE5yFHaNozqUMJXRYRzO6nSBYaESiBZICW5e50uyILRuu1ufCZ245OCj94zJ7w',
  })
})
