import { createDecipheriv, createPrivateKey, generateKeyPairSync, hkdfSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createKeySealing } from '../../src/principal/signing-key-sealing.ts'
import { readSigningKeys, revokeSigningKey, rotateSigningKey } from '../../src/principal/signing-key-table.ts'
import { givenDatabase, type TestDatabase } from '../database/given-database.ts'
import { ENCRYPTION_KEY, givenClock, givenLog, startKeys, tableIn, until } from './given-signing-keys.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const belongsTo = { kid: 'a-key', algorithm: 'ES256' }
const sealing = createKeySealing(ENCRYPTION_KEY)
const other = createKeySealing(`${ENCRYPTION_KEY}!`)
const sealed = sealing.seal(privateKey, belongsTo)
const { clock } = givenClock()

let db: TestDatabase
beforeAll(async () => {
  db = await givenDatabase()
})
beforeEach(() => db.asOwner('delete from signing_keys'))
afterAll(() => db?.close())

const dump = async () => JSON.stringify(await db.asOwner('select * from signing_keys order by kid'))

test('a sealed key opens for what it belongs to', () => {
  expect(sealing.open(sealed, belongsTo).equals(privateKey)).toBe(true)
  expect(sealing.seal(privateKey, belongsTo)).not.toBe(sealed)
})

test('a sealed key is AES-256-GCM under a key that HKDF makes for it alone, as the next release will read it', () => {
  const [version, encoded = ''] = sealed.split('.')
  const bytes = Buffer.from(encoded, 'base64url')
  const key = Buffer.from(hkdfSync('sha256', ENCRYPTION_KEY, '', 'tenantry signing keys, AES-256-GCM', 32))
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
    .setAAD(Buffer.from('["signing key","v1","a-key","ES256"]'))
    .setAuthTag(bytes.subarray(-16))
  const opened = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
  expect(version).toBe('v1')
  expect(opened).toEqual(privateKey.export({ type: 'pkcs8', format: 'der' }))
})

const bytesOf = (length: number) => `v1.${Buffer.alloc(length).toString('base64url')}`

test('what has not the form of a sealed key is told to be none', () => {
  const [version, encoded = ''] = sealed.split('.')
  const none = ['', 'v1', 'v1.', bytesOf(20), bytesOf(28), encoded, `.${encoded}`, `v2.${encoded}`, `${sealed}.`]
  for (const text of none) expect(() => sealing.open(text, belongsTo)).toThrow('not a sealed key')
  expect(version).toBe('v1')
})

const flipped = (at: number) => `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`

test.each([
  ['with another secret', () => other.open(sealed, belongsTo)],
  ['for another id', () => sealing.open(sealed, { ...belongsTo, kid: 'another' })],
  ['for another algorithm', () => sealing.open(sealed, { ...belongsTo, algorithm: 'RS256' })],
  ['with a changed beginning', () => sealing.open(flipped(4), belongsTo)],
  ['with a changed middle', () => sealing.open(flipped(60), belongsTo)],
  ['with a changed end', () => sealing.open(flipped(sealed.length - 3), belongsTo)],
  ['shortened', () => sealing.open(sealed.slice(0, 20), belongsTo)],
  ['without a version', () => sealing.open(sealed.slice(3), belongsTo)],
  ['with more behind it', () => sealing.open(`${sealed}.more`, belongsTo)],
])('a sealed key does not open %s', (_, open) => {
  expect(open).toThrow()
})

test.each(['RS256', 'ES256'] as const)('the table holds no private key of %s in the clear', async (algorithm) => {
  const keys = await startKeys(tableIn(db, { clock, algorithm }))
  const text = await dump()
  const jwk = keys.signing.key.export({ format: 'jwk' })
  const pkcs8 = keys.signing.key.export({ format: 'der', type: 'pkcs8' })
  await keys.stop()
  for (const secret of [jwk.d ?? '', Buffer.from(jwk.d ?? '', 'base64url').toString('base64')]) {
    expect(secret.length).toBeGreaterThan(40)
    expect(text).not.toContain(secret)
  }
  expect(text).not.toMatch(/PRIVATE KEY|"(d|p|q|dp|dq|qi)":/)
  const [{ private_key: stored }] = JSON.parse(text) as [{ private_key: string }]
  const bytes = Buffer.from(stored.split('.')[1] ?? '', 'base64url')
  expect(bytes.length).toBe(pkcs8.length + 28)
  expect(bytes.includes(pkcs8.subarray(30, 46))).toBe(false)
  expect(() => createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })).toThrow()
})

test('another secret refuses to start and to change anything, and leaves the table as it was', async () => {
  await rotateSigningKey(tableIn(db, { clock }))
  const before = await dump()
  const [row] = await readSigningKeys(db.database)
  const wrong = tableIn(db, { clock, secret: `${ENCRYPTION_KEY}!` })
  const told = /does not open with SIGNING_KEYS_ENCRYPTION_KEY/
  await expect(startKeys(wrong)).rejects.toThrow(told)
  await expect(rotateSigningKey(wrong)).rejects.toThrow(told)
  await expect(revokeSigningKey(wrong, row?.kid ?? '')).rejects.toThrow(told)
  expect(await dump()).toBe(before)
})

test('where the secret is lost, each of its keys is revoked under a new one', async () => {
  const { kid } = await rotateSigningKey(tableIn(db, { clock }))
  const table = tableIn(db, { clock, secret: `${ENCRYPTION_KEY}!` })
  const next = await revokeSigningKey(table, kid, { secretLost: true })
  const keys = await startKeys(table)
  expect(keys.signing.kid).toBe(next.kid)
  await keys.stop()
})

/** What somebody could do who writes rows and does not have the secret. */
const attacks: Record<string, string> = {
  'a key of their own': `insert into signing_keys (kid, algorithm, public_jwk, private_key, created_at, signs_from)
    select 'planted', algorithm, public_jwk, 'v1.AAAA', created_at, signs_from + interval '1 s' from signing_keys`,
  'the sealed key under another id': `insert into signing_keys (kid, algorithm, public_jwk, private_key, created_at, signs_from)
    select 'planted', algorithm, public_jwk, private_key, created_at, signs_from + interval '1 s' from signing_keys`,
  'another public key': `update signing_keys set public_jwk = public_jwk || '{"x": "planted"}'`,
  'another algorithm': `update signing_keys set algorithm = 'RS256'`,
  'a sealed key that is changed': `update signing_keys set private_key = private_key || 'A'`,
}

test.each(Object.entries(attacks))('%s in the table keeps a server from starting', async (_, attack) => {
  await rotateSigningKey(tableIn(db, { clock }))
  await db.asOwner(attack)
  await expect(startKeys(tableIn(db, { clock }))).rejects.toThrow(/does not open/)
})

test('a key that is planted while a server runs is told, and neither signs nor verifies', async () => {
  const { log, logged } = givenLog()
  const keys = await startKeys(tableIn(db, { clock, log }))
  const { kid } = keys.signing
  await db.asOwner(attacks['the sealed key under another id'] ?? '')
  await db.asOwner(`select pg_notify('tenantry_signing_keys', '')`)
  await until(() => logged.some((line) => line.includes('a signing key does not open')))
  expect([keys.signing.kid, [...keys.byKid.keys()], keys.jwks().keys.length]).toEqual([kid, [kid], 1])
  await keys.stop()
})
