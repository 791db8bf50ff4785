import { execFile } from 'node:child_process'
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from '@jest/globals'
import { loadOrCreateSecret } from '../../src/principal/secret-files.ts'
import { ecPem, givenKeys, rsaPem, secret } from './given-tokens.ts'

const directory = mkdtempSync(join(tmpdir(), 'signing-keys-'))
const pem = rsaPem()
let made = 0
const newDirectory = () => join(directory, String((made += 1)))
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

afterAll(() => {
  rmSync(directory, { recursive: true })
})

const publicPemOf = (text: string) => createPublicKey(text).export({ type: 'spki', format: 'pem' }).toString()

test('each kind of key has its one algorithm', () => {
  expect(givenKeys({ secret }).signing.algorithm).toBe('HS256')
  expect(givenKeys({ signingKeyPem: pem }).signing.algorithm).toBe('RS256')
  expect(givenKeys({ signingKeyPem: pem, rsaAlgorithm: 'PS256' }).signing.algorithm).toBe('PS256')
  expect(givenKeys({ signingKeyPem: ecPem(), rsaAlgorithm: 'PS256' }).signing.algorithm).toBe('ES256')
})

test('the key set has public members only', () => {
  const ec = ecPem()
  const keys = givenKeys({ signingKeyPem: ec, verificationKeyPems: [pem, publicPemOf(pem), publicPemOf(ec)] })
  const [first, second, ...rest] = keys.jwks().keys
  expect(rest).toEqual([])
  expect(first).toEqual({
    kty: 'EC',
    use: 'sig',
    alg: 'ES256',
    kid: keys.signing.kid,
    crv: 'P-256',
    x: expect.stringMatching(/^[\w-]{43}$/),
    y: expect.stringMatching(/^[\w-]{43}$/),
  })
  expect(Object.keys(second ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  expect([...keys.byKid.keys()].sort()).toEqual([first?.kid, second?.kid].sort())
  for (const { key } of keys.byKid.values()) expect(key.type).toBe('public')
  expect(keys.signing.key.type).toBe('private')
})

test('the id of a public key is its thumbprint by RFC 7638', () => {
  const { n, e } = createPublicKey(pem).export({ format: 'jwk' })
  const text = `{"e":"${e ?? ''}","kty":"RSA","n":"${n ?? ''}"}`
  expect(givenKeys({ signingKeyPem: pem }).signing.kid).toBe(createHash('sha256').update(text).digest('base64url'))
})

test('an HMAC secret is in no key set, and its id does not tell it', () => {
  const keys = givenKeys({ secret, verificationKeyPems: [pem] })
  expect(keys.jwks().keys.map((key) => key.kty)).toEqual(['RSA'])
  expect(keys.signing.kid).toMatch(/^[\w-]{11}$/)
  expect(keys.signing.kid).toBe(givenKeys({ secret }).signing.kid)
  expect(keys.signing.kid).not.toBe(givenKeys({ secret: `${secret}!` }).signing.kid)
  expect(createHash('sha256').update(secret).digest('base64url')).not.toContain(keys.signing.kid)
})

test('a key may be written in one line', () => {
  const inOneLine = pem.replaceAll('\n', '\\n')
  expect(givenKeys({ signingKeyPem: inOneLine }).signing.kid).toBe(givenKeys({ signingKeyPem: pem }).signing.kid)
})

const encryptedPem = createPrivateKey(pem)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString()
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

test.each([
  ['nothing', {}, 'one is required'],
  ['nothing in production, where none is made', { production: true, generateInto: directory }, 'one is required'],
  ['two keys', { secret, signingKeyPem: pem }, 'ambiguous'],
  ['a short secret', { secret: 'x'.repeat(31) }, '32 bytes'],
  ['an empty secret', { secret: '' }, '32 bytes'],
  ['RSA of 1,024 bits', { signingKeyPem: rsaPem(1024) }, '2048 bits'],
  ['another curve', { signingKeyPem: ecPem('P-384') }, 'P-256'],
  ['Ed25519', { signingKeyPem: ed25519 }, 'P-256'],
  ['a public key to sign with', { signingKeyPem: publicPemOf(pem) }, 'not an unencrypted private key'],
  ['an encrypted key', { signingKeyPem: encryptedPem }, 'not an unencrypted private key'],
  ['text that is no key', { signingKeyPem: secret }, 'not an unencrypted private key'],
  ['text that is no older key', { secret, verificationKeyPems: [pem, secret] }, 'key 2: not a key in PEM'],
  ['a small older key', { secret, verificationKeyPems: [rsaPem(1024)] }, 'key 1: RSA keys need 2048 bits'],
])('%s is refused', (_, settings, message) => {
  expect(() => givenKeys(settings)).toThrow(message)
})

test('all mistakes are told at once, and none of them tells a secret', () => {
  const short = 'hunter2-hunter2'
  const wrong = () =>
    givenKeys({ secret: short, signingKeyPem: 'no PEM', verificationKeyPems: ['none', ecPem('P-521')] })
  expect(wrong).toThrow(/ambiguous.*32 bytes.*key 1: not a key.*key 2: neither.*JWT_PRIVATE_KEY: not/)
  expect(wrong).not.toThrow(short)
})

test.each([
  'changemechangemechangemechangeme',
  'change-me-to-a-secret-of-32-bytes-or-more',
  'your-256-bit-secret-your-256-bit-secret',
  'a'.repeat(64),
  'abababababababababababababababababababab',
  '0123456789012345678901234567890123456789',
  'secretsecretsecretsecretsecretsecretsecret',
  'this-is-an-example-secret-please-change-it',
  'tenantry-development-secret-not-for-production',
])('in production %s is no secret', (example) => {
  expect(() => givenKeys({ secret: example, production: true })).toThrow('example')
  expect(givenKeys({ secret: example }).signing.algorithm).toBe('HS256')
})

test('a random secret is accepted in production, also behind a word', () => {
  for (const random of [secret, `acme-secret-${secret}`, createHash('sha256').update(secret).digest('hex')]) {
    expect(givenKeys({ secret: random, production: true }).signing.algorithm).toBe('HS256')
  }
})

test('a key is made once, for its owner only', () => {
  const path = newDirectory()
  const keys = givenKeys({ generateInto: path })
  expect(keys.signing.algorithm).toBe('RS256')
  expect(givenKeys({ generateInto: path }).signing.kid).toBe(keys.signing.kid)
  expect(readdirSync(path)).toEqual(['jwt-signing-key.pem'])
  expect([modeOf(path), modeOf(join(path, 'jwt-signing-key.pem'))]).toEqual(['700', '600'])
})

test('a key that is given leaves the directory alone', () => {
  const path = newDirectory()
  givenKeys({ secret, generateInto: path })
  expect(() => givenKeys({ verificationKeyPems: ['x'], generateInto: path })).toThrow('not a key in PEM')
  expect(() => statSync(path)).toThrow('ENOENT')
})

test.each([0o640, 0o604, 0o620, 0o602])('a key file of mode %o is refused', (mode) => {
  const path = newDirectory()
  givenKeys({ generateInto: path })
  chmodSync(join(path, 'jwt-signing-key.pem'), mode)
  expect(() => givenKeys({ generateInto: path })).toThrow('others may read or write this key file')
})

test('a broken key file is told by its name and not replaced', () => {
  const path = newDirectory()
  givenKeys({ generateInto: path })
  const file = join(path, 'jwt-signing-key.pem')
  writeFileSync(file, 'broken')
  expect(() => givenKeys({ generateInto: path })).toThrow(`${file}: not an unencrypted private key`)
  expect(readFileSync(file, 'utf8')).toBe('broken')
})

test('a place where no file can be made is told', () => {
  const path = newDirectory()
  writeFileSync(path, '')
  expect(() => givenKeys({ generateInto: path })).toThrow('ENOTDIR')
  mkdirSync(join(newDirectory(), 'jwt-signing-key.pem'), { recursive: true, mode: 0o700 })
  expect(() => givenKeys({ generateInto: join(directory, String(made)) })).toThrow('EISDIR')
})

test('a name that leads nowhere, or has no room for a draft, is told', () => {
  const path = newDirectory()
  mkdirSync(path)
  symlinkSync(join(path, 'nowhere'), join(path, 'pepper'))
  expect(() => loadOrCreateSecret(join(path, 'pepper'), 32)).toThrow('not a secret of 32 bytes')
  expect(() => loadOrCreateSecret(join(path, 'x'.repeat(250)), 32)).toThrow('ENAMETOOLONG')
  expect(readdirSync(path)).toEqual(['pepper'])
})

test('processes that start at once agree on the key and on the secret', async () => {
  const path = newDirectory()
  const [source, files] = ['signing-keys', 'secret-files'].map(
    (name) => new URL(`../../src/principal/${name}.ts`, import.meta.url).href,
  )
  const none = { secret: null, signingKeyPem: null, verificationKeyPems: [], production: false, generateInto: path }
  const start = `
    import { loadSigningKeys } from ${JSON.stringify(source)}
    import { loadOrCreateSecret } from ${JSON.stringify(files)}
    await new Promise((resolve) => setTimeout(resolve, ${Date.now() + 1500} - Date.now()))
    const pepper = loadOrCreateSecret(${JSON.stringify(join(path, 'pepper'))}, 32).toString('hex')
    console.log(loadSigningKeys(${JSON.stringify(none)}).signing.kid, pepper)`
  const racing = Array.from({ length: 4 }, () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', start]),
  )
  const answers = new Set((await Promise.all(racing)).map(({ stdout }) => stdout))
  expect(answers.size).toBe(1)
  expect([...answers][0]).toMatch(/^[\w-]{43} [\da-f]{64}\n$/)
  expect(readdirSync(path).sort()).toEqual(['jwt-signing-key.pem', 'pepper'])
})

test('a secret is made once, for its owner only', () => {
  const path = join(newDirectory(), 'password-pepper')
  const made = loadOrCreateSecret(path, 32)
  expect(made).toHaveLength(32)
  expect(loadOrCreateSecret(path, 32)).toEqual(made)
  expect(modeOf(path)).toBe('600')
})

test('a file that holds no secret, or a short one, is refused', () => {
  const path = join(newDirectory(), 'password-pepper')
  loadOrCreateSecret(path, 16)
  expect(() => loadOrCreateSecret(path, 32)).toThrow(`${path}: not a secret of 32 bytes or more`)
  writeFileSync(path, `not base64url: ${'x'.repeat(100)}`)
  expect(() => loadOrCreateSecret(path, 32)).toThrow('not a secret')
})
