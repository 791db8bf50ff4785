import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { apiKeyStatus } from '../../src/principal/api-key-record.ts'
import { hashOfApiKey, isApiKeySecret, newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { expiry, latestExpiry } from '../../src/modules/api-key/api-key-input.ts'

test('a secret has a fixed length, says where it is for, and no two are alike', () => {
  const secrets = Array.from({ length: 1_000 }, () => newApiKeySecret('live'))
  for (const secret of secrets) expect(secret).toMatch(/^tk_live_[0-9A-Za-z]{49}$/)
  expect(new Set(secrets).size).toBe(1_000)
  expect(newApiKeySecret('test')).toMatch(/^tk_test_/)
  expect(secrets.every(isApiKeySecret)).toBe(true)
})

test('the last six characters are the CRC-32 of all before them, in base 62, as a scanner of secrets reads them', () => {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  for (const secret of Array.from({ length: 20 }, () => newApiKeySecret('live'))) {
    const read = Array.from(secret.slice(-6)).reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)
    expect(read).toBe(crc32(secret.slice(0, -6)))
  }
})

test('one changed character, anywhere, is a bad checksum', () => {
  const secret = newApiKeySecret('test')
  for (let at = 0; at < secret.length; at += 1) {
    const other = secret[at] === 'a' ? 'b' : 'a'
    expect(isApiKeySecret(secret.slice(0, at) + other + secret.slice(at + 1))).toBe(false)
  }
  expect(isApiKeySecret(secret.replace('tk_test_', 'tk_live_'))).toBe(false)
})

test.each([
  '',
  'tk_',
  'tk_test_',
  `${newApiKeySecret('test')} `,
  `${newApiKeySecret('test')}\n`,
  'x'.repeat(1_000_000),
])('what is no secret is none', (text) => {
  expect(isApiKeySecret(text)).toBe(false)
})

test('what is stored is an HMAC under the server key', () => {
  const key = Buffer.from('k'.repeat(32))
  expect(hashOfApiKey('tk_test_x', key)).toBe(createHmac('sha256', key).update('tk_test_x').digest('base64url'))
  expect(hashOfApiKey('tk_test_x', Buffer.from('l'.repeat(32)))).not.toBe(hashOfApiKey('tk_test_x', key))
})

test('a status names what cannot be undone first', () => {
  const now = new Date(1_000)
  expect(apiKeyStatus({}, now)).toBe('ACTIVE')
  expect(apiKeyStatus({ expiresAt: new Date(1_001) }, now)).toBe('ACTIVE')
  expect(apiKeyStatus({ deactivatedAt: now }, now)).toBe('INACTIVE')
  expect(apiKeyStatus({ deactivatedAt: now, expiresAt: now }, now)).toBe('EXPIRED')
  expect(apiKeyStatus({ deactivatedAt: now, expiresAt: now, revokedAt: now }, now)).toBe('REVOKED')
})

test('in production a key must end, within the days that the server allows', () => {
  const now = new Date('2030-01-01T00:00:00Z')
  const apiKeys = { hashKey: null, maxTtlDays: 90 }
  const latest = latestExpiry({ production: true, apiKeys }, now)
  expect(latest).toEqual(new Date('2030-04-01T00:00:00Z'))
  expect(() => expiry(null, now, latest)).toThrow('input.expiresAt: is required, and at the latest 2030-04-01')
  expect(() => expiry(new Date('2030-04-01T00:00:00.001Z'), now, latest)).toThrow('at the latest 2030-04-01')
  expect(() => expiry(now, now, latest)).toThrow('must be in the future')
  expect(expiry(latest, now, latest)).toEqual(latest)
  expect(latestExpiry({ production: false, apiKeys }, now)).toBeNull()
  expect(expiry(undefined, now, null)).toBeNull()
})
