import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { keySetSource } from '../../../src/principal/external/key-set-source.ts'
import { readKeySet } from '../../../src/principal/external/key-set.ts'
import type { TrustedIssuer } from '../../../src/principal/external/trusted-issuer.ts'
import { givenKeyPair } from './given-issuer.ts'
import { givenTlsServer, type TlsServer } from './given-tls.ts'

const pair = givenKeyPair('first', 'ES256')
const hint = { alg: 'ES256', kid: 'first' } as const
const KEY = JSON.stringify(pair.jwk)
const KIB = 1_024

let server: TlsServer
let body: string
let parsed: number

beforeAll(async () => {
  server = await givenTlsServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
})
afterAll(() => server.close())
beforeEach(() => {
  parsed = 0
})

type Source = TrustedIssuer['source']

/** What comes of fetching from an issuer of this source: the set, or why there is none. */
async function fetchedBy(source: Source, jwksUri: string | null = `https://localhost:${server.port}/keys`) {
  const issuer = `https://localhost:${server.port}`
  const location = { issuer, jwksUri, source, allowPrivate: false, allowedHosts: ['localhost'] }
  const { parse } = JSON
  JSON.parse = (text: string) => {
    parsed += 1
    return parse(text) as unknown
  }
  try {
    const set = await keySetSource(location, () => 0)()
    return set.find(hint) ? 'found' : 'not found'
  } catch (error) {
    return (error as Error).cause ?? (error as Error).message
  } finally {
    JSON.parse = parse
  }
}

/** A key set with its key, filled up to so many bytes. */
const padded = (bytes: number) => {
  const [head, tail] = [`{"keys":[${KEY}],"p":"`, '"}']
  return `${head}${'x'.repeat(bytes - head.length - tail.length)}${tail}`
}
const times = (number: number, text: string) => Array<string>(number).fill(text).join(',')

test("what an organization's issuer publishes has 128 KiB at most, and what the configuration's does 1 MiB", async () => {
  for (const [source, most] of [['organization', 128 * KIB] as const, ['configuration', 1_024 * KIB] as const]) {
    body = padded(most)
    expect(await fetchedBy(source)).toBe('found')
    body = padded(most + 1)
    expect(await fetchedBy(source)).toBe('the body is too long')
  }
})

test('the metadata is bounded alike, and what is kept of it too', async () => {
  body = padded(128 * KIB + 1)
  expect(await fetchedBy('organization', null)).toBe('the body is too long')
  const issuer = `https://localhost:${server.port}`
  body = JSON.stringify({ issuer, jwks_uri: `${issuer}/${'x'.repeat(2_048)}` })
  expect(await fetchedBy('organization', null)).toBe('the metadata is none')
})

test.each<[string, string]>([
  ['keys without anything', `{"keys":[${times(43_000, '{}')}]}`],
  ['one key and many empty objects', `{"keys":[${KEY}],"p":[${times(40_000, '{}')}]}`],
  ['one key and many empty lists', `{"keys":[${KEY}],"p":[${times(40_000, '[]')}]}`],
  ['one key and many numbers', `{"keys":[${KEY}],"p":[${times(60_000, '1')}]}`],
  [
    'one key of many members',
    `{"keys":[${KEY.slice(0, -1)},${Array.from({ length: 11_000 }, (_, number) => `"${number}":1`).join(',')}}]}`,
  ],
  ['one key and a deep list', `{"keys":[${KEY}],"p":${'['.repeat(60_000)}${']'.repeat(60_000)}}`],
  ['keys that hold keys', `{"keys":${'[{"keys":'.repeat(9_000)}1${'}]'.repeat(9_000)}}`],
])('a document that is heavy is refused before it is parsed, whoever published it: %s', async (_, heavy) => {
  body = heavy
  expect(body.length).toBeLessThan(128 * KIB)
  expect(await fetchedBy('organization')).toBe('the body has too many values')
  expect(await fetchedBy('configuration')).toBe('the body has too many values')
  expect(parsed).toBe(0)
})

test('a document is parsed once, also where it has as many values as are read', async () => {
  body = `{"keys":[${KEY}],"p":[${times(9_980, '1')}]}`
  expect(await fetchedBy('organization')).toBe('found')
  expect(parsed).toBe(1)
})

test.each<[string, unknown]>([
  ['null', null],
  ['a text', 'keys'],
  ['a list', [pair.jwk]],
  ['no keys', {}],
  ['keys that are no list', { keys: { 0: pair.jwk, length: 1 } }],
  ['a key that is null', { keys: [pair.jwk, null] }],
  ['a key that is a list', { keys: [pair.jwk, []] }],
  ['a key that is a text', { keys: [pair.jwk, 'key'] }],
])('%s is no key set', (_, document) => {
  expect(() => readKeySet(document)).toThrow('JSON Web Key Set malformed')
})

test('a key with a number that no key has is left out, and the number is not read', () => {
  const { n, ...rsa } = givenKeyPair('rsa').jwk
  // Its exponent alone would take minutes.
  const long = Buffer.alloc(700_000, 0xff).toString('base64url')
  const keys = [{ ...rsa, n, e: long }, { ...rsa, n: long, kid: 'second' }, pair.jwk]
  expect(readKeySet({ keys }).size).toBe(1)
})

test('a key with a kid that no token can name is left out', () => {
  expect(readKeySet({ keys: [{ ...pair.jwk, kid: 'k'.repeat(512) }] }).size).toBe(1)
  expect(readKeySet({ keys: [{ ...pair.jwk, kid: 'k'.repeat(513) }] }).size).toBe(0)
})

test('of a document that was read nothing is kept but the keys', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const kept: WeakRef<object>[] = []
  const weighed = <Thing extends object>(thing: Thing): Thing => {
    kept.push(new WeakRef(thing))
    return thing
  }
  const heavy = () => weighed({ kid: weighed({}), alg: weighed([]), x: weighed({}) })
  const read = () => readKeySet(weighed({ keys: weighed([weighed({ ...pair.jwk, x5c: weighed([]) }), heavy()]) }))
  const set = read()
  // What a WeakRef was made of is held until the job has ended.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(kept.filter((one) => one.deref() !== undefined)).toEqual([])
  expect(set.find(hint)?.equals(pair.publicKey)).toBe(true)
})
