import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createLogger } from '../../../src/http/log.ts'
import { holdIssuerKeys, type IssuerKeys } from '../../../src/principal/external/issuer-keys.ts'
import type { TrustedIssuer } from '../../../src/principal/external/trusted-issuer.ts'
import { givenIssuer, givenKeyPair, sendJson, type Issuer } from './given-issuer.ts'
import { trustedBySettings } from './given-settings.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let issuer: Issuer
let trusted: TrustedIssuer
let now: number
let logged: string[]
let keys: IssuerKeys

beforeEach(async () => {
  issuer = await givenIssuer()
  trusted = trustedBySettings({ issuer: issuer.issuer, jwksUri: issuer.jwksUri })
  now = Date.UTC(2026, 0, 1)
  logged = []
  const log = createLogger('info', { write: (line: string) => void logged.push(line) })
  keys = holdIssuerKeys({ clock: () => now, log })
})
afterEach(() => issuer.close())

const hint = (kid: string) => ({ alg: 'RS256', kid }) as const
const find = (kid: string, of = trusted) =>
  keys.find(of, hint(kid)).then(
    () => 'found',
    (error: unknown) => (error as Error).cause,
  )
const isHeld = (kid: string) => keys.held(trusted, hint(kid)) !== null
const later = (milliseconds: number) => void (now += milliseconds)
/** Until what runs in the background has come to its end. */
async function until(happened: () => boolean): Promise<void> {
  const end = Date.now() + 5_000
  while (!happened()) {
    if (Date.now() > end) throw new Error('It has not happened')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const hang = () => (issuer.answering = () => {})
const fail = () => (issuer.answering = (_, response) => void response.writeHead(503).end())

test('nothing is fetched before a token needs it, and then once for all who wait', async () => {
  expect(isHeld('first')).toBe(false)
  expect(issuer.asked.keys).toBe(0)
  expect(await Promise.all(Array.from({ length: 100 }, () => find('first')))).toEqual(Array(100).fill('found'))
  expect(isHeld('first')).toBe(true)
  expect(issuer.asked).toEqual({ keys: 1, metadata: 0 })
})

test('unknown kids make one request in 30 seconds, whether they come one by one or at once', async () => {
  await find('first')
  later(29_999)
  for (let number = 0; number < 20; number += 1) expect(await find(`unknown-${number}`)).toMatch('no key fits')
  expect(issuer.asked.keys).toBe(1)
  later(1)
  await Promise.all(Array.from({ length: 50 }, (_, number) => find(`other-${number}`)))
  expect(issuer.asked.keys).toBe(2)
})

test('a key that is known is found at once while the issuer does not answer', async () => {
  await find('first')
  later(30_000)
  hang()
  const unknown = find('unknown')
  await until(() => issuer.asked.keys === 2)
  expect(isHeld('first')).toBe(true)
  await issuer.close()
  expect(await unknown).toMatch('no key fits')
})

test('a new key is found with its first token, once it is time to ask again', async () => {
  await find('first')
  issuer.keys = [givenKeyPair('second')]
  expect(await find('second')).toMatch('no key fits')
  later(30_000)
  expect(await find('second')).toBe('found')
  expect(isHeld('first')).toBe(false)
})

test('after ten minutes keys are fetched again in the background', async () => {
  await find('first')
  later(10 * MINUTE - 1)
  expect(isHeld('first')).toBe(true)
  expect(issuer.asked.keys).toBe(1)
  later(1)
  issuer.keys = [givenKeyPair('second')]
  expect(isHeld('first')).toBe(true)
  await until(() => !isHeld('first'))
  expect(isHeld('second')).toBe(true)
  expect(issuer.asked.keys).toBe(2)
})

test('keys that nobody has asked for in twenty minutes are fetched before they are believed again', async () => {
  await find('first')
  later(20 * MINUTE)
  issuer.keys = [givenKeyPair('second')]
  expect(isHeld('first')).toBe(false)
  expect(await find('first')).toMatch('no key fits')
})

test('while the issuer fails, the last good keys serve for a day, and nobody waits for it twice', async () => {
  await find('first')
  fail()
  later(20 * MINUTE)
  expect(await find('first')).toBe('found')
  expect(issuer.asked.keys).toBe(2)
  later(30_000)
  hang()
  expect(isHeld('first')).toBe(true)
  await until(() => issuer.asked.keys === 3)
  expect(isHeld('first')).toBe(true)
  later(23 * HOUR)
  expect(isHeld('first')).toBe(true)
  later(HOUR)
  expect(isHeld('first')).toBe(false)
})

test('keys that are a day old are refused, and the issuer is asked once in 30 seconds', async () => {
  await find('first')
  fail()
  later(24 * HOUR)
  for (let number = 0; number < 10; number += 1)
    expect(await find('first')).toBe('the keys of the issuer are not known')
  expect(issuer.asked.keys).toBe(2)
  issuer.answering = null
  later(30_000)
  expect(await find('first')).toBe('found')
})

test('an issuer that was never reached is asked once in 30 seconds too', async () => {
  fail()
  for (let number = 0; number < 10; number += 1)
    expect(await find('first')).toBe('the keys of the issuer are not known')
  expect(issuer.asked.keys).toBe(1)
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, issuer: issuer.issuer, cause: 'status 503' },
  ])
})

test('an issuer of the settings that was never reached is asked again after 3 seconds, and not by looking alone', async () => {
  fail()
  await find('first')
  later(2_999)
  await find('first')
  expect(issuer.asked.keys).toBe(1)
  issuer.answering = null
  later(1)
  expect(isHeld('first')).toBe(false)
  expect(await find('first')).toBe('found')
  expect(issuer.asked.keys).toBe(2)
})

test('an issuer that fails while its keys are good is asked for others as seldom as ever', async () => {
  await find('first')
  fail()
  later(30_000)
  await find('unknown')
  later(29_999)
  await find('unknown')
  expect(issuer.asked.keys).toBe(2)
  later(1)
  await find('unknown')
  expect(issuer.asked.keys).toBe(3)
})

test('where one issuer does not answer, another is asked', async () => {
  hang()
  const other = await givenIssuer()
  const waiting = find('first')
  const { issuer: name, jwksUri } = other
  expect(await find('first', trustedBySettings({ issuer: name, jwksUri }))).toBe('found')
  await issuer.close()
  expect(await waiting).toBe('the keys of the issuer are not known')
  await other.close()
})

test('an issuer that is set up anew is asked anew', async () => {
  await find('first')
  const moved = { ...trusted, jwksUri: `${issuer.issuer}/moved` }
  expect(keys.held(moved, hint('first'))).toBeNull()
  expect(keys.held({ ...trusted, allowPrivate: false }, hint('first'))).toBeNull()
  expect(isHeld('first')).toBe(true)
})

test('of more than a thousand issuers the one that was asked for longest ago is forgotten', async () => {
  await find('first')
  for (let number = 1; number < 1_000; number += 1)
    keys.held({ ...trusted, issuer: `https://${number}.test` }, hint('x'))
  expect(isHeld('first')).toBe(true)
  for (let number = 1; number < 1_000; number += 1)
    keys.held({ ...trusted, issuer: `https://${number}.test` }, hint('x'))
  keys.held({ ...trusted, issuer: 'https://1000.test' }, hint('x'))
  expect(isHeld('first')).toBe(false)
})

test('what the issuer publishes and cannot be read is told in the log, and none of it is quoted', async () => {
  issuer.answering = (_, response) => sendJson(response, { keys: 'hunter2' })
  await find('first')
  later(30_000)
  issuer.answering = (_, response) =>
    sendJson(response, { keys: Array.from({ length: 101 }, () => ({ kty: 'hunter2' })) })
  await find('first')
  expect(logged.map((line) => JSON.parse(line).cause)).toEqual([
    'JSON Web Key Set malformed',
    'the key set has too many keys',
  ])
  expect(logged.join('')).not.toContain('hunter2')
})
