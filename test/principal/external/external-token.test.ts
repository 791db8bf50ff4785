import { createSecretKey } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readExternalToken, verifiedClaims } from '../../../src/principal/external/external-token.ts'
import { expectError, givenPerson, givenProject, startServer, type Person, type TestServer } from '../../harness.ts'
import {
  encoded,
  givenIssuer,
  givenKeyPair,
  nowSeconds,
  signatureOf,
  tokenOf,
  trusting,
  type Issuer,
} from './given-issuer.ts'
import { trustedBySettings } from './given-settings.ts'

let server: TestServer
let issuer: Issuer
let other: Issuer
let third: Issuer
let unknown: Issuer
let ada: Person
let bob: Person
let project: string

beforeAll(async () => {
  const issuers = [givenIssuer(), givenIssuer('ES256'), givenIssuer(), givenIssuer()] as const
  ;[issuer, other, third, unknown] = await Promise.all(issuers)
  server = await startServer({ settings: trusting([issuer], [other, { algorithms: ['ES256', 'ES384'] }], [third]) })
  ;[ada, bob] = [await givenPerson(server, 'Acme'), await givenPerson(server, 'Rivals')]
  project = await givenProject(server, ada, 'Loom')
  await givenProject(server, bob, 'Secret')
})
afterAll(async () => {
  await Promise.all([server, issuer, other, third, unknown].map((one) => one.close()))
})

const PROJECTS = '{ projects { nodes { id name } } }'
const read = (token: string) => server.send(PROJECTS, { token })
const token = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  issuer.token({ organization: ada.organizationId, ...claims }, header)
const accepted = async (text: string) => {
  const answer = await read(text)
  expect(answer.errors).toEqual([])
  expect(answer.data.projects.nodes).toEqual([{ id: project, name: 'Loom' }])
}
/** Without a signature, or with another one. */
const resigned = (text: string, signature: string) => [...text.split('.').slice(0, 2), signature].join('.')

test('a token with read:* reads its own organization, and nothing of another one', async () => {
  await accepted(token())
  const foreign = await server.send('query ($id: ID!) { project(id: $id) { name } }', {
    token: issuer.token({ organization: bob.organizationId }),
    variables: { id: project },
  })
  expect(foreign).toMatchObject({ status: 200, data: { project: null }, errors: [] })
})

test.each<[string, () => string]>([
  ['typ JWT', () => token({}, { typ: 'JWT' })],
  ['typ at+jwt', () => token({}, { typ: 'at+jwt' })],
  ['thumbprints of certificates', () => token({}, { x5t: 'abc', 'x5t#S256': 'def' })],
  ['no kid, where one key fits', () => token({}, { kid: undefined })],
  ['several audiences', () => token({ aud: ['another', 'tenantry'] })],
  ['neither iat nor nbf', () => token({ iat: undefined })],
  ['iat, nbf and exp 59 s off', () => token({ iat: nowSeconds() + 59, nbf: nowSeconds() + 59 })],
  ['exp 50 s ago', () => token({ iat: nowSeconds() - 600, exp: nowSeconds() - 50 })],
  ['times in fractions of a second', () => token({ iat: nowSeconds() - 0.5, exp: nowSeconds() + 0.5 })],
  ['a life of a day', () => token({ exp: nowSeconds() + 86_400 })],
  ['another issuer and algorithm', () => other.token({ organization: ada.organizationId })],
  ['the longest sub', () => token({ sub: 'x'.repeat(255) })],
])('accepted: %s', async (_, make) => accepted(make()))

/** What is refused, and why. */
const REFUSED: readonly [
  what: string,
  make: () => string,
  reason: 'INVALID' | 'MALFORMED' | 'EXPIRED',
  cause: string | null,
][] = [
  ['alg none without a signature', () => unsigned(''), 'MALFORMED', null],
  ['alg none with a signature', () => unsigned('AAAA'), 'INVALID', "alg is none of the issuer's"],
  ['HS256 with the public key as its secret', () => confused('spki'), 'INVALID', "alg is none of the issuer's"],
  [
    'HS256 with the public key in PKCS #1 as its secret',
    () => confused('pkcs1'),
    'INVALID',
    "alg is none of the issuer's",
  ],
  ['an algorithm that the issuer may not use', () => signedWith('PS256'), 'INVALID', "alg is none of the issuer's"],
  ['an algorithm of the issuer that the key is not for', () => mixed(), 'INVALID', 'no key fits, or more than one'],
  [
    'a signature by another key',
    () => issuer.token({ organization: ada.organizationId }, {}, { ...givenKeyPair('x'), kid: 'first' }),
    'INVALID',
    'signature is wrong',
  ],
  ['a kid that there is none of', () => token({}, { kid: 'another' }), 'INVALID', 'no key fits, or more than one'],
  [
    'a kid that is a path',
    () => token({}, { kid: '../../../../dev/null' }),
    'INVALID',
    'no key fits, or more than one',
  ],
  ['a kid that is SQL', () => token({}, { kid: "first' union select 'x" }), 'INVALID', 'no key fits, or more than one'],
  ['a kid that every object has', () => token({}, { kid: '__proto__' }), 'INVALID', 'no key fits, or more than one'],
  ['a kid that is empty', () => token({}, { kid: '' }), 'INVALID', 'kid is no text'],
  ['a kid that is an object', () => token({}, { kid: { kid: 'first' } }), 'INVALID', 'kid is no text'],
  ['crit', () => token({}, { crit: ['exp'], exp: 1 }), 'INVALID', 'header has members that are not accepted'],
  ['a key of its own', () => broughtAlong('jwk'), 'INVALID', 'header has members that are not accepted'],
  ['a key set of its own', () => broughtAlong('jku'), 'INVALID', 'header has members that are not accepted'],
  [
    'a certificate of its own',
    () => token({}, { x5c: ['MIIB'] }),
    'INVALID',
    'header has members that are not accepted',
  ],
  [
    'the address of a certificate',
    () => token({}, { x5u: 'https://evil.example/cert' }),
    'INVALID',
    'header has members that are not accepted',
  ],
  [
    'a header member of no standard',
    () => token({}, { ppt: 'shaken' }),
    'INVALID',
    'header has members that are not accepted',
  ],
  ['typ of a logout token', () => token({}, { typ: 'logout+jwt' }), 'INVALID', 'typ is another'],
  ['typ of a DPoP proof', () => token({}, { typ: 'dpop+jwt' }), 'INVALID', 'typ is another'],
  ['typ null', () => token({}, { typ: null }), 'INVALID', 'typ is another'],
  ['no audience', () => token({ aud: undefined }), 'INVALID', 'aud is another'],
  ['another audience', () => token({ aud: 'another' }), 'INVALID', 'aud is another'],
  ['no audience in the list', () => token({ aud: [] }), 'INVALID', 'aud is another'],
  ['an audience that is a list in a list', () => token({ aud: [['tenantry']] }), 'INVALID', 'aud is another'],
  ['no exp', () => token({ exp: undefined }), 'INVALID', 'exp is missing or of another type'],
  ['exp as text', () => token({ exp: String(nowSeconds() + 60) }), 'INVALID', 'exp is missing or of another type'],
  ['exp for ever', () => token({ exp: 1e300 }), 'INVALID', 'lifetime is too long'],
  [
    'exp that JSON reads as infinite',
    () => withText(/"exp":\d+/, '"exp":1e999'),
    'INVALID',
    'exp is missing or of another type',
  ],
  ['exp 61 s ago', () => token({ iat: nowSeconds() - 600, exp: nowSeconds() - 61 }), 'EXPIRED', 'exp has passed'],
  [
    'exp before iat',
    () => token({ iat: nowSeconds() + 30, exp: nowSeconds() + 20 }),
    'INVALID',
    'exp is not after iat',
  ],
  ['exp at iat', () => token({ iat: nowSeconds() + 30, exp: nowSeconds() + 30 }), 'INVALID', 'exp is not after iat'],
  ['a life of two days', () => token({ exp: nowSeconds() + 2 * 86_400 }), 'INVALID', 'lifetime is too long'],
  [
    'two days left, without iat',
    () => token({ iat: undefined, exp: nowSeconds() + 2 * 86_400 }),
    'INVALID',
    'lifetime is too long',
  ],
  ['nbf in 70 s', () => token({ nbf: nowSeconds() + 70 }), 'INVALID', 'iat or nbf is in the future'],
  ['nbf as text', () => token({ nbf: 'now' }), 'INVALID', 'nbf is of another type'],
  ['iat in 70 s', () => token({ iat: nowSeconds() + 70 }), 'INVALID', 'iat or nbf is in the future'],
  ['iat as text', () => token({ iat: '0' }), 'INVALID', 'iat is of another type'],
  ['no sub', () => token({ sub: undefined }), 'INVALID', 'sub is missing or not acceptable'],
  ['an empty sub', () => token({ sub: '' }), 'INVALID', 'sub is missing or not acceptable'],
  ['sub as a number', () => token({ sub: 7 }), 'INVALID', 'sub is missing or not acceptable'],
  ['a sub of 256 characters', () => token({ sub: 'x'.repeat(256) }), 'INVALID', 'sub is missing or not acceptable'],
  ['a sub with NUL in it', () => token({ sub: 'a\0b' }), 'INVALID', 'sub is missing or not acceptable'],
  [
    'a sub with half a character in it',
    () => withText('somebody', String.raw`\ud800`),
    'INVALID',
    'sub is missing or not acceptable',
  ],
  [
    "another issuer's key",
    () => third.token({ iss: issuer.issuer, organization: ada.organizationId }),
    'INVALID',
    'signature is wrong',
  ],
  ['no iss', () => token({ iss: undefined }), 'INVALID', null],
  ['iss as a list', () => token({ iss: [issuer.issuer] }), 'INVALID', null],
  ['iss with a slash at its end', () => token({ iss: `${issuer.issuer}/` }), 'INVALID', null],
  ['iss in capitals', () => token({ iss: issuer.issuer.toUpperCase() }), 'INVALID', null],
  ['an issuer that nobody trusts', () => unknown.token({ organization: ada.organizationId }), 'INVALID', null],
  ["this server's own iss", () => token({ iss: 'tenantry' }), 'INVALID', null],
  [
    'iss twice, the second one trusted',
    () => withText('"iss"', `"iss":"${other.issuer}","iss"`, false),
    'INVALID',
    'signature is wrong',
  ],
  ['a respelled signature', () => respelled(token()), 'MALFORMED', null],
  ['a signature in base64', () => resigned(token(), 'a+b/'), 'MALFORMED', null],
  ['four parts', () => `${token()}.AAAA`, 'MALFORMED', null],
  ['more than 8 KiB', () => token({ more: 'x'.repeat(8_192) }), 'MALFORMED', null],
  [
    'a header that is no object',
    () => token().replace(/^[^.]+/, encoded('[]')),
    'MALFORMED',
    'header is not an object',
  ],
  ['a header that is null', () => token().replace(/^[^.]+/, encoded('null')), 'MALFORMED', 'header is not an object'],
  ['a header that is a number', () => token().replace(/^[^.]+/, encoded('7')), 'MALFORMED', 'header is not an object'],
  ['a header that is no JSON', () => token().replace(/^[^.]+/, encoded('{')), 'MALFORMED', 'header is not JSON'],
  [
    'a header that is no UTF-8',
    () => token().replace(/^[^.]+/, Buffer.from([0x22, 0xff, 0x22]).toString('base64url')),
    'MALFORMED',
    'header is not JSON',
  ],
]

/** Why the last one was refused; null where no trusted issuer was found for it. */
function loggedCause(from: number): string | null {
  const lines = server.logged.slice(from).map((line) => JSON.parse(line))
  return lines.find(({ msg }) => msg === 'an external token was refused')?.cause ?? null
}

test.each(REFUSED)('refused: %s', async (_, make, reason, cause) => {
  await accepted(token())
  const loggedBefore = server.logged.length
  const answer = await read(make())
  expectError(answer, 'UNAUTHENTICATED', reason)
  expect(answer.status).toBe(401)
  expect(answer.data?.projects ?? null).toBeNull()
  expect(loggedCause(loggedBefore)).toBe(cause)
})

/** RFC 8725 §2.1: an algorithm that needs no key. */
const unsigned = (signature: string) => resigned(token(), signature).replace(/^[^.]+/, encoded({ alg: 'none' }))

/** RFC 8725 §2.1: the public key, which everybody has, used as a secret. */
function confused(type: 'spki' | 'pkcs1'): string {
  const key = issuer.keys[0]!
  const pem = key.publicKey.export({ type, format: 'pem' })
  return tokenOf({ alg: 'HS256', kid: key.kid }, payloadOf(token()), createSecretKey(Buffer.from(pem)))
}

function signedWith(alg: string): string {
  const { kid, privateKey } = issuer.keys[0]!
  return tokenOf({ alg, kid }, payloadOf(token()), privateKey)
}

/** ES384 is the other issuer's too, and its one key is on P-256. */
function mixed(): string {
  const { kid, privateKey } = other.keys[0]!
  const claims = payloadOf(other.token({ organization: ada.organizationId }))
  return tokenOf({ alg: 'ES384', kid }, claims, privateKey)
}

function broughtAlong(member: 'jwk' | 'jku'): string {
  const own = givenKeyPair('own')
  const header = { alg: 'RS256', kid: 'own', [member]: member === 'jwk' ? own.jwk : unknown.jwksUri }
  return tokenOf(header, payloadOf(token()), own.privateKey)
}

/** A good token, but for a piece of the text of its payload. */
function withText(piece: string | RegExp, instead: string, resign = true): string {
  const [header = '', payload = ''] = token().split('.')
  const changed = Buffer.from(payload, 'base64url').toString().replace(piece, instead)
  const input = `${header}.${encoded(changed)}`
  const signer = resign ? issuer : unknown
  return `${input}.${signatureOf(input, 'RS256', signer.keys[0]!.privateKey)}`
}

/** The same signature in other characters: bits of the last one that are not used are set. */
function respelled(text: string): string {
  const last = text.at(-1)!
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const changed = `${text.slice(0, -1)}${alphabet[alphabet.indexOf(last) + 1]!}`
  expect(Buffer.from(changed.split('.')[2]!, 'base64url')).toEqual(Buffer.from(text.split('.')[2]!, 'base64url'))
  return changed
}

const payloadOf = (text: string): unknown => JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString())

test('the keys of nobody but the issuer were asked for', () => {
  expect(unknown.asked).toEqual({ keys: 0, metadata: 0 })
})

test("this server's own credentials are none of an issuer's", async () => {
  expectError(await read(ada.refreshToken), 'UNAUTHENTICATED', 'MALFORMED')
  const [header = '', payload = '', signature = ''] = ada.token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const reissued = encoded({ ...claims, iss: issuer.issuer, aud: 'tenantry' })
  expectError(await read(`${header}.${reissued}.${signature}`), 'UNAUTHENTICATED', 'INVALID')
  const secret = createSecretKey(Buffer.from(server.app.services.config.tokens.secret ?? '', 'utf8'))
  const signed = tokenOf({ alg: 'HS256', typ: 'at+jwt' }, { ...claims, iss: issuer.issuer }, secret)
  expectError(await read(signed), 'UNAUTHENTICATED', 'INVALID')
})

test('why a token is refused is for the log, without the token', async () => {
  const text = token({ aud: 'another' })
  expectError(await read(text), 'UNAUTHENTICATED', 'INVALID')
  const lines = server.logged.filter((line) => line.includes('an external token was refused'))
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ level: 30, issuer: issuer.issuer, cause: 'aud is another' })
  expect(server.logged.join('\n')).not.toContain(text.split('.')[2])
})

/** What a token says at a moment, to those who trust an issuer of a name. */
function claimsAt(text: string, seconds: number, name = issuer.issuer) {
  const trusted = trustedBySettings({ issuer: name })
  return verifiedClaims(readExternalToken(text, trusted), issuer.keys[0]!.publicKey, trusted, seconds)
}
const refusal = (reason: string, cause: string) =>
  expect.objectContaining({ cause, extensions: expect.objectContaining({ reason }) })

test('a key never verifies what an issuer says that it is not of, whoever has looked it up', () => {
  expect(claimsAt(token(), nowSeconds())).toMatchObject({ iss: issuer.issuer, sub: 'somebody' })
  expect(() => claimsAt(token(), nowSeconds(), other.issuer)).toThrow(refusal('INVALID', 'iss is another'))
})

test('times count to the second: a clock may be a minute off, and a life is a day and that minute', () => {
  const day = 86_400
  for (const [claims, at] of [
    [{ iat: 1_060, nbf: 1_060, exp: 2_000 }, 1_000],
    [{ iat: 1_000, exp: 2_000 }, 2_059.9],
    [{ iat: 1_000, exp: 1_060 + day }, 1_000],
    [{ iat: undefined, exp: 1_060 + day }, 1_000],
    [{ iat: 0, nbf: 0, exp: 600 }, 100],
  ] as const)
    expect(claimsAt(token(claims), at)).toMatchObject({ iss: issuer.issuer })
  for (const [claims, at, reason, cause] of [
    [{ iat: 1_060.1, exp: 2_000 }, 1_000, 'INVALID', 'iat or nbf is in the future'],
    [{ iat: 1_000, exp: 2_000 }, 2_060, 'EXPIRED', 'exp has passed'],
    [{ iat: 1_000, exp: 1_060.1 + day }, 1_000, 'INVALID', 'lifetime is too long'],
    [{ iat: -1, exp: 600 }, 100, 'INVALID', 'iat is of another type'],
    [{ iat: undefined, nbf: -1, exp: 600 }, 100, 'INVALID', 'nbf is of another type'],
    [{ iat: undefined, exp: -1 }, -30, 'INVALID', 'exp is missing or of another type'],
  ] as const)
    expect(() => claimsAt(token(claims), at)).toThrow(refusal(reason, cause))
})
