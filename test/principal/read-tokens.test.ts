import { expect, test } from '@jest/globals'
import type { SigningKeys, VerificationKey } from '../../src/principal/signing-keys.ts'
import { createMetrics } from '../../src/watching/metrics.ts'
import { ecPem, givenKeys, givenTokens, partsOf, secret, startMs, subject, ttlSeconds } from './given-tokens.ts'

const own = givenKeys({ secret })
const refused = (reason: string) => expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED', reason } })

/** Keys that change while the server runs, as those in the database do. */
function givenChangingKeys() {
  const byKid = new Map<string, VerificationKey>(own.byKid)
  const keys: SigningKeys = { ...own, byKid }
  return { byKid, keys }
}

test('a token that was read before says the same again, and nobody can change what it says', () => {
  const tokens = givenTokens(own)
  const { token } = tokens.issue(subject)
  expect(tokens.hasRead(token)).toBe(false)
  const claims = tokens.verify(token)
  expect(tokens.hasRead(token)).toBe(true)
  expect(tokens.verify(token)).toEqual(claims)
  expect(() => Object.assign(tokens.verify(token), { operator: true })).toThrow(TypeError)
})

test('each token that is shown is counted by how it was checked', async () => {
  const metrics = createMetrics()
  const tokens = givenTokens(own, { metrics: metrics.credentials })
  const { token } = tokens.issue(subject)
  for (const text of [token, token, token, `${token}x`, 'none', token]) {
    try {
      tokens.verify(text)
    } catch {
      // It is counted all the same.
    }
  }
  const counted = [
    ...(await metrics.text()).matchAll(/^tenantry_token_checks_total\{.*"(refused|remembered|verified)".*\} (\d+)$/gm),
  ]
  expect(Object.fromEntries(counted.map(([, check, times]) => [check, Number(times)]))).toEqual({
    verified: 1,
    remembered: 3,
    refused: 2,
  })
})

test('a token that was read before ends when its time is over', () => {
  let now = startMs
  const tokens = givenTokens(own, { clock: () => now })
  const { token } = tokens.issue(subject)
  tokens.verify(token)
  now += (ttlSeconds + 60) * 1_000
  expect(() => tokens.verify(token)).toThrow(refused('EXPIRED'))
})

test('a token that was read before ends with its key, and is read in full where that is another', () => {
  const { byKid, keys } = givenChangingKeys()
  const tokens = givenTokens(keys)
  const { token } = tokens.issue(subject)
  tokens.verify(token)
  byKid.delete(own.signing.kid)
  expect(() => tokens.verify(token)).toThrow(refused('INVALID'))
  // The same name for another key: what it has not signed is not of it.
  const [other] = givenKeys({ signingKeyPem: ecPem() }).byKid.values()
  byKid.set(own.signing.kid, other!)
  expect(() => tokens.verify(token)).toThrow(refused('INVALID'))
  byKid.set(own.signing.kid, own.byKid.get(own.signing.kid)!)
  expect(tokens.verify(token)).toMatchObject(subject)
})

test('a token that is refused is not remembered, and no spelling of another is taken for it', () => {
  const tokens = givenTokens(own)
  const { token } = tokens.issue(subject)
  const [header, payload, signature] = partsOf(token)
  tokens.verify(token)
  for (const text of [
    `${token}=`,
    ` ${token}`,
    // Without one character alone it would be base64url for some signatures: one of sixteen ends in four zeros.
    `${header}.${payload}.${signature.slice(0, -2)}`,
    `${header}.${payload}.`,
  ]) {
    for (let time = 1; time <= 2; time += 1) expect(() => tokens.verify(text)).toThrow(refused('MALFORMED'))
    expect(tokens.hasRead(text)).toBe(false)
  }
})
