import { beforeEach, expect, test } from '@jest/globals'
import { createLogger } from '../../../src/http/log.ts'
import { holdIssuerKeys, type IssuerKeys } from '../../../src/principal/external/issuer-keys.ts'
import { readKeySet, type KeySet } from '../../../src/principal/external/key-set.ts'
import type { TrustedIssuer } from '../../../src/principal/external/trusted-issuer.ts'
import { createMetrics, type Metrics } from '../../../src/watching/metrics.ts'
import { givenKeyPair } from './given-issuer.ts'
import { trustedBySettings } from './given-settings.ts'

const MINUTE = 60_000
const { jwk } = givenKeyPair('first', 'ES256')
const ONE_KEY = readKeySet({ keys: [jwk] })
const hint = { alg: 'ES256', kid: 'first' } as const
const configured = trustedBySettings({ issuer: 'https://configured.test' })

let now: number
let keys: IssuerKeys
let logged: string[]
/** The issuers that were asked, in that order. */
let asked: string[]
/** What they answer. */
let answer: () => KeySet | Promise<KeySet>
let metrics: Metrics

beforeEach(() => {
  now = Date.UTC(2026, 0, 1)
  asked = []
  logged = []
  answer = () => ONE_KEY
  metrics = createMetrics()
  keys = holdIssuerKeys({
    clock: () => now,
    metrics: metrics.credentials,
    log: createLogger('info', { write: (line: string) => void logged.push(line) }),
    source:
      ({ issuer }) =>
      async () => {
        asked.push(issuer)
        return answer()
      },
  })
})

/** An issuer that an organization has registered, under an id of its own each time. */
const registered = (registration: string, organization = 'acme'): TrustedIssuer => ({
  ...configured,
  ...{
    issuer: `https://${registration}.test`,
    registration,
    organization,
    source: 'organization',
    allowPrivate: false,
  },
})
const find = (issuer: TrustedIssuer, kid = 'first') =>
  keys.find(issuer, { ...hint, kid }).then(
    () => 'found',
    (error: unknown) => (error as Error).cause,
  )
const isHeld = (issuer: TrustedIssuer) => keys.held(issuer, hint) !== null
/** Several registrations, each used once. */
async function use(number: number, organization: string, prefix = organization): Promise<TrustedIssuer[]> {
  const issuers = Array.from({ length: number }, (_, index) => registered(`${prefix}-${index}`, organization))
  for (const issuer of issuers) await find(issuer)
  return issuers
}
const NOT_KNOWN = 'the keys of the issuer are not known'

test('what is forgotten is one registration, whatever else has the same name and keys', async () => {
  const [first, second] = [registered('first'), { ...registered('second', 'other'), issuer: 'https://first.test' }]
  for (const issuer of [first, second, configured]) expect(await find(issuer)).toBe('found')
  keys.forget('first')
  expect([first, second, configured].map(isHeld)).toEqual([false, true, true])
  expect(await find(first)).toBe('found')
  expect(asked).toEqual(['https://first.test', 'https://first.test', 'https://configured.test', 'https://first.test'])
})

test('what is fetched while its issuer is disabled is not held', async () => {
  const issuer = registered('first')
  const finding = find(issuer)
  keys.forget('first')
  expect(await finding).toBe('found')
  expect(isHeld(issuer)).toBe(false)
})

test('registering, using and disabling over and over makes twenty fetches in a minute, and no more', async () => {
  for (let round = 0; round < 100; round += 1) {
    const issuer = registered(`round-${round}`)
    expect(await find(issuer)).toBe(round < 20 ? 'found' : NOT_KNOWN)
    keys.forget(issuer.registration ?? '')
    now += 100
  }
  expect(asked.length).toBe(20)
  const msg = 'the keys of an issuer were not fetched: those of its organization are fetched too often'
  expect(logged.map((line) => JSON.parse(line))).toMatchObject(
    Array.from({ length: 80 }, (_, index) => ({ level: 40, issuer: `https://round-${index + 20}.test`, msg })),
  )
  const text = await metrics.text()
  expect(text).toContain('tenantry_issuer_key_fetches_total{outcome="ok"} 20')
  expect(text).toContain('tenantry_issuer_key_fetches_total{outcome="not_allowed"} 80')
  expect(await find(registered('of-another', 'other'))).toBe('found')
  expect(await find(configured)).toBe('found')
  now += MINUTE - 10_000
  expect(await find(registered('later'))).toBe('found')
})

test('an organization with twenty issuers has the keys of all after a start', async () => {
  for (const issuer of await use(20, 'acme')) expect(isHeld(issuer)).toBe(true)
})

test('of one organization twenty are held, and of another as many', async () => {
  const others = await use(20, 'other')
  const first = await use(20, 'acme', 'first')
  now += MINUTE
  const second = await use(20, 'acme', 'second')
  expect(second.every(isHeld)).toBe(true)
  expect(others.every(isHeld)).toBe(true)
  expect(first.some(isHeld)).toBe(false)
})

test('of all organizations a thousand issuers are held, and those of the configuration beside them', async () => {
  await find(configured)
  for (let number = 0; number < 50; number += 1) await use(20, `org-${number}`)
  expect(isHeld(registered('org-0-0', 'org-0'))).toBe(true)
  await use(1, 'one-more')
  expect(isHeld(registered('org-0-0', 'org-0'))).toBe(true)
  expect(isHeld(registered('org-0-1', 'org-0'))).toBe(false)
  expect(isHeld(configured)).toBe(true)
})

test('of all organizations ten thousand keys are held, whenever an issuer has begun to publish as many', async () => {
  const issuers: TrustedIssuer[] = []
  for (let number = 0; number < 6; number += 1) issuers.push(...(await use(20, `org-${number}`)))
  const many = readKeySet({ keys: [...Array.from({ length: 99 }, (_, kid) => ({ ...jwk, kid: String(kid) })), jwk] })
  answer = () => many
  now += MINUTE
  for (const issuer of issuers) expect(await find(issuer, 'unknown')).toMatch('no key fits')
  expect(issuers.map((issuer) => asked.filter((name) => name === issuer.issuer).length)).toEqual(Array(120).fill(2))
  // Not `held`, which would begin anew for what is dropped, and so drop others.
  answer = () => ONE_KEY
  for (const issuer of issuers.slice(20).reverse()) expect(await find(issuer)).toBe('found')
  expect(asked.length).toBe(240)
  for (const issuer of issuers.slice(0, 20)) expect(isHeld(issuer)).toBe(false)
})

test('where no more is fetched for an organization, what is known serves, and what is forgotten does not', async () => {
  const [known, forgotten] = [registered('known'), registered('forgotten')]
  expect(await find(forgotten)).toBe('found')
  now += 10 * MINUTE
  expect(await find(known)).toBe('found')
  now += 10 * MINUTE
  for (let round = 0; round < 20; round += 1) {
    await find(registered(`round-${round}`))
    keys.forget(`round-${round}`)
  }
  expect(await find(known)).toBe('found')
  expect(await find(forgotten)).toBe(NOT_KNOWN)
  now += MINUTE
  expect(await find(forgotten)).toBe('found')
})

test('keys are fetched when they are due or lacking, and not whenever they are asked for', async () => {
  await find(configured)
  now += 10 * MINUTE - 1
  expect(isHeld(configured)).toBe(true)
  expect(await find(configured)).toBe('found')
  expect(asked.length).toBe(1)
  now += 1
  expect(isHeld(configured)).toBe(true)
  expect(asked.length).toBe(2)
})

test('an issuer that an organization has registered is asked once in 30 seconds, also where it fails', async () => {
  answer = () => Promise.reject(new Error('down'))
  const issuer = registered('failing')
  for (const pause of [0, 3_000, 26_999]) {
    now += pause
    expect(await find(issuer)).toBe(NOT_KNOWN)
  }
  // Looking alone fetches nothing.
  now += 1
  expect(isHeld(issuer)).toBe(false)
  expect(asked.length).toBe(1)
  await find(issuer)
  expect(asked.length).toBe(2)
})

test('the 30 seconds begin when the issuer is asked, and not when it has answered', async () => {
  answer = () => {
    now += 5_000
    return ONE_KEY
  }
  await find(configured)
  now += 25_000
  await find(configured, 'unknown')
  expect(asked.length).toBe(2)
})

test('those who have waited for one fetch go on one by one, with room for others between them', async () => {
  const { promise, resolve } = Promise.withResolvers<KeySet>()
  answer = () => promise
  let turn = 0
  const turns: number[] = []
  const finding = Array.from({ length: 100 }, () => find(configured).then(() => turns.push(turn)))
  let beating = setImmediate(function beat() {
    turn += 1
    beating = setImmediate(beat)
  })
  resolve(ONE_KEY)
  await Promise.all(finding)
  clearImmediate(beating)
  expect(new Set(turns).size).toBeGreaterThan(90)
})
