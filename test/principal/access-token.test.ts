import { createSecretKey } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { ApiError } from '../../src/errors.ts'
import { newRefreshToken, newReuseKey } from '../../src/principal/refresh-token.ts'
import {
  ecPem,
  encoded,
  forged,
  givenKeys,
  givenTokens,
  jsonOf,
  partsOf,
  rsaPem,
  secret,
  startMs,
  startSeconds,
  subject,
  ttlSeconds,
} from './given-tokens.ts'

const pem = rsaPem()
const kinds = {
  HS256: givenKeys({ secret }),
  RS256: givenKeys({ signingKeyPem: pem }),
  PS256: givenKeys({ signingKeyPem: pem, rsaAlgorithm: 'PS256' }),
  ES256: givenKeys({ signingKeyPem: ecPem() }),
}
const keys = kinds.HS256
const tokens = givenTokens(keys)
const token = tokens.issue(subject).token
const [headerPart, payloadPart, signaturePart] = partsOf(token)
const header = jsonOf(headerPart)
const payload = jsonOf(payloadPart)

/** The token of a holder of the key, with other members. */
const withHeader = (changes: object) =>
  forged(keys.signing.key, JSON.stringify({ ...header, ...changes }), JSON.stringify(payload))
const withClaims = (changes: object) =>
  forged(keys.signing.key, JSON.stringify(header), JSON.stringify({ ...payload, ...changes }))
const withTexts = (headerText: string, payloadText: string) => forged(keys.signing.key, headerText, payloadText)

function refusalOf(text: string, by = tokens): ApiError {
  try {
    by.verify(text)
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('the token was accepted')
}

function expectRefusal(text: string, reason: 'MALFORMED' | 'INVALID' | 'EXPIRED', cause: string, by = tokens): void {
  const error = refusalOf(text, by)
  expect(error.code).toBe('UNAUTHENTICATED')
  expect(error.extensions).toEqual({ code: 'UNAUTHENTICATED', reason })
  expect(error.cause).toContain(cause)
}

test.each(Object.entries(kinds))('what is issued with %s is read again', (algorithm, keysOfKind) => {
  const own = givenTokens(keysOfKind)
  const issued = own.issue(subject)
  const claims = own.verify(issued.token)
  const [issuedHeader] = partsOf(issued.token)
  expect(jsonOf(issuedHeader)).toEqual({ alg: algorithm, typ: 'at+jwt', kid: keysOfKind.signing.kid })
  expect(issued.expiresAt).toEqual(new Date(startMs + ttlSeconds * 1000))
  expect(claims).toEqual({
    ...subject,
    iss: 'tenantry',
    aud: 'tenantry-api',
    iat: startSeconds,
    exp: startSeconds + ttlSeconds,
    jti: issued.jti,
  })
})

test('a user without an organization and an operator have tokens too', () => {
  const nowhere = { ...subject, organization: null, membership: null, membershipVersion: 0, role: null, scope: '' }
  const operator = { ...nowhere, organization: subject.organization, operator: true }
  expect(tokens.verify(tokens.issue(nowhere).token)).toMatchObject(nowhere)
  expect(tokens.verify(tokens.issue(operator).token)).toMatchObject(operator)
})

test('a token ends with what it is issued for, and none is issued for what is over', () => {
  const until = (seconds: number) => tokens.issue(subject, new Date(startMs + seconds * 1_000))
  expect(until(ttlSeconds + 5)).toMatchObject({ expiresInSeconds: ttlSeconds })
  const short = until(90.9)
  expect(short).toMatchObject({ expiresInSeconds: 90, expiresAt: new Date(startMs + 90_000) })
  expect(tokens.verify(short.token).exp).toBe(startSeconds + 90)
  for (const over of [0.9, 0, -1]) {
    expect(() => until(over)).toThrow(
      expect.objectContaining({
        extensions: { code: 'UNAUTHENTICATED', reason: 'EXPIRED' },
        cause: 'what it is issued for has expired',
      }),
    )
  }
})

test('two tokens of one user have two ids', () => {
  expect(tokens.issue(subject).jti).not.toBe(tokens.issue(subject).jti)
})

test('a token that could not be read again is not issued', () => {
  expect(() => tokens.issue({ ...subject, scope: 'read:projects '.repeat(1000).trim() })).toThrow('too long')
})

test('a token of a key that signed before is still accepted', () => {
  const older = givenTokens(kinds.RS256).issue(subject).token
  const rotated = givenTokens(givenKeys({ signingKeyPem: ecPem(), verificationKeyPems: [pem] }))
  expect(rotated.verify(older)).toMatchObject(subject)
})

test('why a token is refused stays inside', () => {
  const error = refusalOf(withHeader({ crit: ['exp'] }))
  expect(error.cause).toBe('header has members that are not accepted')
  expect(JSON.stringify(error)).not.toContain('header')
  expect(error.message).toBe('The access token is not valid')
})

const respelled = (part: string) => part.slice(0, -1) + String.fromCharCode(part.charCodeAt(part.length - 1) + 1)
const payloadText = JSON.stringify(payload)
const headerText = JSON.stringify(header)
const notUtf8 = Buffer.concat([Buffer.from('{"iss":"'), Buffer.from([0xff]), Buffer.from('"}')])

test.each([
  ['nothing', '', 'three parts'],
  ['white space', ' ', 'three parts'],
  ['one part', headerPart, 'three parts'],
  ['two parts', `${headerPart}.${payloadPart}`, 'three parts'],
  ['four parts', `${token}.${signaturePart}`, 'three parts'],
  ['no signature', `${headerPart}.${payloadPart}.`, 'three parts'],
  ['no header', `.${payloadPart}.${signaturePart}`, 'three parts'],
  ['no payload', `${headerPart}..${signaturePart}`, 'three parts'],
  ['a space before it', ` ${token}`, 'three parts'],
  ['a line break behind it', `${token}\n`, 'three parts'],
  ['a space within', `${headerPart}. ${payloadPart}.${signaturePart}`, 'three parts'],
  ['padding', `${token}=`, 'three parts'],
  ["base64's own letters", `${headerPart}.${payloadPart}.${signaturePart.slice(0, -2)}+/`, 'three parts'],
  ['NUL', `${token}\0`, 'three parts'],
  ['a word outside ASCII', `${token}ſ`, 'three parts'],
  ['1 MB', `${headerPart}.${'A'.repeat(1_000_000)}.${signaturePart}`, 'too long'],
  ['one character more than 8 KiB', 'A'.repeat(8193), 'too long'],
  ['a respelled signature', `${headerPart}.${payloadPart}.${respelled(signaturePart)}`, 'signature is not canonical'],
  ['surplus characters in the signature', `${token}AA`, 'signature is not canonical'],
  ['a refresh token', newRefreshToken(subject.sid, newReuseKey()).token, 'three parts'],
  ['an API key', 'tk_live_0123456789abcdefghijABCDEFGHIJ0123456789abc', 'three parts'],
  ['a header that is no JSON', withTexts('{"alg":', payloadText), 'header is not JSON'],
  ['a header that is an array', withTexts('[]', payloadText), 'header is not an object'],
  ['a header that is null', withTexts('null', payloadText), 'header is not an object'],
  ['a header that is a number', withTexts('1', payloadText), 'header is not an object'],
  ['white space in the header', withTexts(` ${headerText}`, payloadText), 'header is not canonical'],
  ['a header name twice', withTexts(headerText.replace('{', '{"alg":"none",'), payloadText), 'header is not canonical'],
  ['a payload that is no JSON', withTexts(headerText, 'ada'), 'payload is not an object'],
  ['a payload that is an array', withTexts(headerText, '[]'), 'payload is not an object'],
  ['a payload that is null', withTexts(headerText, 'null'), 'payload is not an object'],
  ['a claim twice', withTexts(headerText, payloadText.replace('{', '{"sub":"x",')), 'payload is not canonical'],
  ['white space in the payload', withTexts(headerText, `${payloadText}\n`), 'payload is not canonical'],
  ['exp 1e300', withTexts(headerText, payloadText.replace(/"exp":\d+/, '"exp":1e300')), 'payload is not canonical'],
  ['bytes that are not UTF-8', forged(keys.signing.key, headerText, notUtf8), 'payload is not canonical'],
])('%s is malformed', (_, text, cause) => {
  expectRefusal(text, 'MALFORMED', cause)
})

test.each([
  ['crit', { crit: ['b64'] }, 'not accepted'],
  ['an embedded jwk', { jwk: keys.signing.key.export({ format: 'jwk' }) }, 'not accepted'],
  ['jku', { jku: 'https://evil.test/jwks.json' }, 'not accepted'],
  ['x5u', { x5u: 'https://evil.test/x5u' }, 'not accepted'],
  ['x5c', { x5c: ['AAAA'] }, 'not accepted'],
  ['b64', { b64: false }, 'not accepted'],
  ['zip', { zip: 'DEF' }, 'not accepted'],
  ['cty', { cty: 'JWT' }, 'not accepted'],
  ['typ JWT', { typ: 'JWT' }, 'typ'],
  ['typ in capitals', { typ: 'AT+JWT' }, 'typ'],
  ['typ in its long form', { typ: 'application/at+jwt' }, 'typ'],
  ['no typ', { typ: undefined }, 'typ'],
  ['a typ of another type', { typ: ['at+jwt'] }, 'typ'],
  ['no kid', { kid: undefined }, 'kid is missing'],
  ['a kid of another type', { kid: 1 }, 'kid is missing'],
  ['an unknown kid', { kid: 'unknown' }, 'kid is not known'],
  ['a path as kid', { kid: '../../../../dev/null' }, 'kid is not known'],
  ['SQL as kid', { kid: "' UNION SELECT 'key' --" }, 'kid is not known'],
  ['a name of Object as kid', { kid: 'constructor' }, 'kid is not known'],
  ['alg none', { alg: 'none' }, 'alg'],
  ['alg None', { alg: 'None' }, 'alg'],
  ['no alg', { alg: undefined }, 'alg'],
  ['another HMAC', { alg: 'HS512' }, 'alg'],
  ['an algorithm of another kind of key', { alg: 'RS256' }, 'alg'],
])('a header with %s is refused, though signed with the key', (_, changes, cause) => {
  expectRefusal(withHeader(changes), 'INVALID', cause)
})

test('a public key is never taken for an HMAC secret', () => {
  const rsa = kinds.RS256
  const { kid } = rsa.signing
  const publicPem = rsa.byKid.get(kid)?.key.export({ type: 'spki', format: 'pem' }) ?? ''
  for (const typ of ['at+jwt', 'JWT']) {
    const text = forged(
      createSecretKey(Buffer.from(publicPem)),
      JSON.stringify({ alg: 'HS256', typ, kid }),
      payloadText,
    )
    expectRefusal(text, 'INVALID', typ === 'JWT' ? 'typ' : 'alg', givenTokens(rsa))
  }
  const asRsa = forged(
    createSecretKey(Buffer.from(publicPem)),
    JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid }),
    payloadText,
  )
  expectRefusal(asRsa, 'INVALID', 'signature', givenTokens(rsa))
})

test('an RSA key has one algorithm', () => {
  expectRefusal(givenTokens(kinds.RS256).issue(subject).token, 'INVALID', 'alg', givenTokens(kinds.PS256))
})

test('another key with the same kid is refused', () => {
  const thief = givenKeys({ secret: secret.toUpperCase() }).signing.key
  expectRefusal(forged(thief, headerText, payloadText), 'INVALID', 'signature')
})

test('any change to a signed token is refused', () => {
  const admin = encoded(JSON.stringify({ ...payload, operator: true }))
  expectRefusal(`${headerPart}.${admin}.${signaturePart}`, 'INVALID', 'signature')
  expectRefusal(`${headerPart}.${payloadPart}.${encoded('short')}`, 'INVALID', 'signature')
  expectRefusal(`${token}A`, 'INVALID', 'signature')
  const other = partsOf(givenTokens(kinds.ES256).issue(subject).token)
  expectRefusal(`${other[0]}.${other[1]}.${encoded('not 64 bytes')}`, 'INVALID', 'signature', givenTokens(kinds.ES256))
})

const wrongTypes: Record<string, unknown[]> = {
  iss: [null, 1, '', ['tenantry']],
  kind: [null, 1, '', 'user', 'OPERATOR', '__proto__', ['USER']],
  client_id: [null, 1, '', ['tenantry']],
  sub: [null, 1, '', 'ada', subject.sub.toUpperCase(), `${subject.sub}\n`],
  aud: [null, '', ['tenantry-api'], ['tenantry-api', 'other']],
  exp: [null, '1800000000', startSeconds + 0.5, -1, 1e21, 2 ** 53],
  iat: [null, '1', startSeconds + 0.5, -1, true],
  jti: [null, 1, 'x'],
  sid: [null, 1, 'x'],
  email: [null, 1, '', {}],
  organization: [0, '', 'acme', [subject.organization]],
  membership: [0, '', 'member'],
  membershipVersion: [null, '1', 1.5, -1],
  userVersion: [null, '1', 1.5, -1, 1e300],
  role: ['', 'admin', 'OWNER', ['ADMIN'], 0],
  scope: [null, ['read:projects'], ' ', 'a  b', 'a ', 'a\tb', 'a"b', 'a\\b', 'ü'],
  operator: [null, 0, 1, 'true', 'false'],
}

test('the table of types names each claim', () => {
  expect(Object.keys(wrongTypes).sort()).toEqual(Object.keys(payload).sort())
})

test.each(Object.entries(wrongTypes))('a token whose %s is missing or of another type is refused', (name, values) => {
  for (const value of [undefined, ...values]) {
    expectRefusal(withClaims({ [name]: value }), 'INVALID', `claim ${name} `)
  }
})

test.each([
  ['another issuer', { iss: 'tenantry/' }, 'iss'],
  ['another audience', { aud: 'tenantry' }, 'aud'],
  ['a longer life than is given', { exp: startSeconds + ttlSeconds + 61 }, 'lifetime'],
  ['a life without end', { exp: Number.MAX_SAFE_INTEGER }, 'lifetime'],
  ['an end before its start', { exp: startSeconds - 1 }, 'exp is not after iat'],
  ['no life at all', { exp: startSeconds }, 'exp is not after iat'],
  ['a start in the future', { iat: startSeconds + 61, exp: startSeconds + 100 }, 'future'],
  ['a start of use in the future', { nbf: startSeconds + 61 }, 'future'],
  ['a start of use that is no number', { nbf: 'now' }, 'nbf'],
  ['a role and no membership', { membership: null }, 'role'],
  ['a membership and no role', { role: null }, 'role'],
  ['a membership and no organization', { organization: null }, 'membership'],
])('a token with %s is refused', (_, changes, cause) => {
  expectRefusal(withClaims(changes), 'INVALID', cause)
})

test('clocks may differ by 60 seconds, and by no more', () => {
  const end = startMs + ttlSeconds * 1000
  expect(givenTokens(keys, { clock: () => startMs - 60_000 }).verify(token)).toMatchObject(subject)
  expectRefusal(token, 'INVALID', 'future', givenTokens(keys, { clock: () => startMs - 60_001 }))
  expect(givenTokens(keys, { clock: () => end + 59_999 }).verify(token)).toMatchObject(subject)
  expectRefusal(token, 'EXPIRED', 'exp', givenTokens(keys, { clock: () => end + 60_000 }))
  expect(tokens.verify(withClaims({ nbf: startSeconds + 60 }))).toMatchObject(subject)
})

test('without leeway a token ends at its end', () => {
  const end = startMs + ttlSeconds * 1000
  const exact = (nowMs: number) => givenTokens(keys, { clock: () => nowMs, leewaySeconds: 0 })
  expect(exact(end - 1).verify(token)).toMatchObject(subject)
  expectRefusal(token, 'EXPIRED', 'exp', exact(end))
})

test('only a token that is right in all else is told to have expired', () => {
  const late = givenTokens(keys, { clock: () => startMs + 10 * ttlSeconds * 1000 })
  expectRefusal(`${headerPart}.${payloadPart}.${encoded('short')}`, 'INVALID', 'signature', late)
  expectRefusal(withClaims({ aud: 'other' }), 'INVALID', 'aud', late)
})
