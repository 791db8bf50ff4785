import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { readKeySet, type KeyHint } from '../../../src/principal/external/key-set.ts'
import { givenKeyPair } from './given-issuer.ts'

const rsa = givenKeyPair('rsa')
const another = givenKeyPair('another')
const ec = givenKeyPair('ec', 'ES256')
/** Published without saying what it is for. */
const bare = ({ kty, n, e, crv, x, y }: JsonWebKey): JsonWebKey =>
  JSON.parse(JSON.stringify({ kty, n, e, crv, x, y })) as JsonWebKey

/** Whether the key is found that is the only good one to find. */
const finds = (keys: JsonWebKey[], hint: KeyHint) => readKeySet({ keys }).find(hint) !== null

test('a key is found by its kid, and only for what it is for', () => {
  const keys = [rsa.jwk, ec.jwk]
  expect(readKeySet({ keys }).find({ alg: 'RS256', kid: 'rsa' })?.equals(rsa.publicKey)).toBe(true)
  expect(readKeySet({ keys }).find({ alg: 'ES256', kid: 'ec' })?.equals(ec.publicKey)).toBe(true)
  for (const alg of ['RS384', 'RS512', 'PS256', 'ES256'] as const) expect(finds(keys, { alg, kid: 'rsa' })).toBe(false)
  for (const alg of ['ES384', 'ES512', 'RS256'] as const) expect(finds(keys, { alg, kid: 'ec' })).toBe(false)
  expect(finds(keys, { alg: 'RS256', kid: 'ec' })).toBe(false)
})

test('a key that does not say its algorithm is for all of its type, and of its curve', () => {
  const bareRsa = { ...bare(rsa.jwk), kid: 'rsa' }
  for (const alg of ['RS256', 'RS512', 'PS384'] as const) expect(finds([bareRsa], { alg, kid: 'rsa' })).toBe(true)
  expect(finds([bareRsa], { alg: 'ES256', kid: 'rsa' })).toBe(false)
  const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const
  for (const [own, namedCurve] of Object.entries(curves)) {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve })
    const fitting = Object.keys(curves).filter((alg) =>
      finds([publicKey.export({ format: 'jwk' })], { alg: alg as keyof typeof curves }),
    )
    expect(fitting).toEqual([own])
  }
})

test('without a kid the one key that fits is meant, and none where several do', () => {
  expect(finds([rsa.jwk, ec.jwk], { alg: 'RS256' })).toBe(true)
  expect(finds([bare(rsa.jwk), ec.jwk], { alg: 'RS256' })).toBe(true)
  expect(finds([rsa.jwk, another.jwk], { alg: 'RS256' })).toBe(false)
  expect(finds([bare(rsa.jwk), bare(another.jwk)], { alg: 'RS256' })).toBe(false)
  expect(finds([bare(rsa.jwk)], { alg: 'RS256', kid: 'rsa' })).toBe(false)
  for (const alg of ['RS256', 'ES256'] as const) expect(finds([bare(rsa.jwk), bare(ec.jwk)], { alg })).toBe(true)
})

test('a kid that is there twice is nobody, whatever the two are', () => {
  const second = { ...another.jwk, kid: 'rsa' }
  expect(finds([rsa.jwk, second], { alg: 'RS256', kid: 'rsa' })).toBe(false)
  expect(finds([rsa.jwk, { ...ec.jwk, kid: 'rsa' }], { alg: 'RS256', kid: 'rsa' })).toBe(false)
  expect(finds([{ ...rsa.jwk }, { ...rsa.jwk }], { alg: 'RS256' })).toBe(false)
  expect(finds([{ kty: 'oct', k: 'c2VjcmV0', kid: 'rsa' }, rsa.jwk], { alg: 'RS256', kid: 'rsa' })).toBe(false)
  expect(finds([rsa.jwk, second, another.jwk], { alg: 'RS256', kid: 'another' })).toBe(true)
})

const small = givenKeyPair('rsa', 'RS256', 1_024)
const huge: JsonWebKey = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1_025, 0xff).toString('base64url'), kid: 'rsa' }
const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' })
const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
const secret = { kty: 'oct', k: Buffer.from('a secret of thirty-two bytes here').toString('base64url'), kid: 'rsa' }

test.each<[string, JsonWebKey]>([
  ['a shared secret', secret],
  ['a shared secret that calls itself RS256', { ...secret, alg: 'RS256' }],
  ['RSA of 1,024 bits', small.jwk],
  ['RSA of more than 8,192 bits', huge],
  ['RSA with an exponent of 1', { ...rsa.jwk, e: 'AQ' }],
  ['RSA with an exponent of 5 bytes', { ...rsa.jwk, e: 'AQAAAAE' }],
  ['RSA with the smallest exponent of 5 bytes', { ...rsa.jwk, e: 'AQAAAAA' }],
  ['RSA that is none', { ...rsa.jwk, n: 7 as unknown as string }],
  ['RSA without a modulus', { kty: 'RSA', e: 'AQAB', kid: 'rsa' }],
  ['a private key', { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'rsa' }],
  ['a key for encryption', { ...rsa.jwk, use: 'enc' }],
  ['a key that wraps keys', { ...rsa.jwk, key_ops: ['wrapKey'] }],
  ['a key whose operations are no list', { ...rsa.jwk, key_ops: 'verify' }],
  ['a key for RSA-OAEP', { ...rsa.jwk, alg: 'RSA-OAEP' }],
  ['a key for HS256', { ...rsa.jwk, alg: 'HS256' }],
  ['a key for none', { ...rsa.jwk, alg: 'none' }],
  ['a kid that is a number', { ...rsa.jwk, kid: 7 }],
  ['a key on secp256k1', { ...secp256k1, kid: 'rsa' }],
  ['a key of Ed25519', { ...ed25519, kid: 'rsa' }],
  ['a point that is not on its curve', { ...ec.jwk, x: ec.jwk.y ?? '', kid: 'rsa' }],
])('left out: %s', (_, jwk) => {
  const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512'] as const
  for (const alg of algorithms) {
    expect(finds([jwk], { alg, kid: 'rsa' })).toBe(false)
    expect(finds([jwk], { alg })).toBe(false)
  }
  expect(finds([jwk, another.jwk], { alg: 'RS256', kid: 'another' })).toBe(true)
})

test.each<[string, JsonWebKey]>([
  ['RSA of 8,192 bits', { ...huge, n: Buffer.alloc(1_024, 0xff).toString('base64url') }],
  ['RSA with an exponent of 3', { ...rsa.jwk, e: 'Aw' }],
  ['RSA with the largest exponent of 4 bytes', { ...rsa.jwk, e: '_____w' }],
])('the last that is taken: %s', (_, key) => {
  expect(finds([key], { alg: 'RS256' })).toBe(true)
})

test('a key that says it verifies is taken, and what is beside it does not matter', () => {
  expect(finds([{ ...bare(rsa.jwk), key_ops: ['verify'], x5c: ['AAAA'] }], { alg: 'RS256' })).toBe(true)
})

test('a set of more than a hundred keys is none', () => {
  const keys = Array.from({ length: 101 }, (_, number) => ({ ...ec.jwk, kid: String(number) }))
  expect(finds(keys.slice(1), { alg: 'ES256', kid: '7' })).toBe(true)
  expect(() => readKeySet({ keys })).toThrow('too many keys')
})
