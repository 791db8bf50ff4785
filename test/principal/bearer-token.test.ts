import { expect, test } from '@jest/globals'
import type { ApiError } from '../../src/errors.ts'
import { bearerToken } from '../../src/principal/bearer-token.ts'
import { claimed, mostCharacters } from '../../src/principal/compact-token.ts'

/** A token of three parts that says this. */
const saying = (payload: string) => `e30.${Buffer.from(payload).toString('base64url')}.AAAA`

test.each(['Bearer a.b.c', 'bearer a.b.c', 'BEARER    a.b.c', '  Bearer a.b.c  '])(
  '%j brings a token',
  (authorization) => {
    expect(bearerToken({ authorization })).toBe('a.b.c')
  },
)

test('without the header there is none', () => {
  expect(bearerToken({})).toBeNull()
})

test.each([
  '',
  ' ',
  'Bearer',
  'Bearer ',
  'a.b.c',
  'Basic a.b.c',
  'Bearer a b',
  'Bearera.b.c',
  'x Bearer a',
  'Bearer\ta',
])('the header %j is malformed, and no anonymous request', (authorization) => {
  let refused: unknown = null
  try {
    bearerToken({ authorization })
  } catch (error) {
    refused = error
  }
  expect((refused as ApiError).extensions).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'MALFORMED' })
  expect((refused as ApiError).message).toBe('The Authorization header must be "Bearer" and an access token')
})

test('several headers are malformed', () => {
  expect(() => bearerToken({ authorization: ['Bearer a.b.c', 'Bearer a.b.c'] })).toThrow('must be "Bearer"')
})

test('what a token claims is read before it is believed, where it is a text', () => {
  expect(claimed(saying('{"iss":"https://a.example","client_id":"b"}'), 'iss')).toBe('https://a.example')
  expect(claimed(saying('{"iss":"https://a.example","client_id":"b"}'), 'client_id')).toBe('b')
})

test.each(['{}', '{"iss":7}', '{"iss":["a"]}', '{"iss":null}', 'null', '7', 'not JSON', '[]'])(
  'a payload of %s claims nothing',
  (payload) => {
    expect(claimed(saying(payload), 'iss')).toBeNull()
  },
)

test.each(['', 'a.b', saying('{"iss":"a"}').slice(0, -5), `${saying('{"iss":"a"}')}.x`, 'a'.repeat(9_000)])(
  'a text that is no token claims nothing: %#',
  (text) => {
    expect(claimed(text, 'iss')).toBeNull()
  },
)

test('a token of 8 KiB is read, and one of a character more is not', () => {
  const head = '{"iss":"a","filling":"'
  const ofLength = (length: number) => {
    // Four characters of base64url hold three of the payload.
    const parts = saying(`${head}${'x'.repeat(Math.floor(((length - 9) * 3) / 4) - head.length - 2)}"}`).split('.')
    return `${'e'.repeat(length - parts.slice(1).join('.').length - 1)}.${parts.slice(1).join('.')}`
  }
  expect([ofLength(mostCharacters).length, mostCharacters]).toEqual([8192, 8192])
  expect([claimed(ofLength(8192), 'iss'), claimed(ofLength(8193), 'iss')]).toEqual(['a', null])
})
