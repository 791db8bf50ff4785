import { expect, test } from '@jest/globals'
import {
  PUBLIC_CLIENT_ID,
  contradictionIn,
  unacceptableClaim,
  type AccessTokenClaims,
  type ApiKeyTokenClaims,
  type ExternalTokenClaims,
} from '../../src/principal/access-token-claims.ts'
import { startSeconds, subject } from './given-tokens.ts'

const id = (last: number) => `01930000-0000-7000-8000-00000000000${last}`
const standard = { iss: 'https://us.test', aud: 'us', exp: startSeconds + 60, iat: startSeconds, jti: id(1), scope: '' }
const ofKey: ApiKeyTokenClaims = { ...standard, kind: 'API_KEY', sub: id(2), client_id: id(2), organization: id(3) }
const ofExternal: ExternalTokenClaims = {
  ...standard,
  kind: 'EXTERNAL',
  sub: 'https://them.test#somebody',
  client_id: 'tenantry',
  organization: id(3),
  subject_issuer: 'https://them.test',
  registration: null,
  given_name: null,
  family_name: null,
  preferred_username: null,
  email: null,
}
const ofUser: AccessTokenClaims = { ...subject, ...standard }

const times = [null, '1', -1, 0.5, 1e300]
const texts = [null, 1, '', ['x']]
const ids = [null, 1, '', 'acme', id(3).toUpperCase().replace('0', 'A'), `${id(3)} `, `x${id(3)}`]
const textsOrNone = [1, '', ['x'], {}]
const wrongOfAny = { iss: texts, aud: texts, exp: times, iat: times, jti: ids, scope: [null, ['a'], ' ', 'a  b', 'a"'] }
const wrong: [AccessTokenClaims, Record<string, unknown[]>][] = [
  [ofKey, { ...wrongOfAny, kind: ['USER', 'x', null], sub: ids, client_id: ids, organization: ids }],
  [
    ofExternal,
    {
      ...wrongOfAny,
      ...{ kind: ['USER', 'x', null], sub: texts, client_id: texts, organization: ids, subject_issuer: texts },
      ...{ registration: [1, '', 'acme'], given_name: textsOrNone, family_name: textsOrNone },
      ...{ preferred_username: textsOrNone, email: textsOrNone },
    },
  ],
]

test.each([ofUser, ofKey, ofExternal])('claims that are whole are accepted: $kind', (claims) => {
  expect(unacceptableClaim({ ...claims })).toBeNull()
  expect(contradictionIn(claims)).toBeNull()
})

test('scopes are as many as they are, and the client of people has one name', () => {
  expect(unacceptableClaim({ ...ofKey, scope: 'read:a read:b read:c' })).toBeNull()
  expect(PUBLIC_CLIENT_ID).toBe('tenantry')
})

test.each(wrong)('of $kind no claim may be missing or of another type', (claims, values) => {
  expect(Object.keys(values).sort()).toEqual(Object.keys(claims).sort())
  for (const [name, wrongValues] of Object.entries(values)) {
    for (const value of [undefined, ...wrongValues]) {
      expect([name, value, unacceptableClaim({ ...claims, [name]: value })]).not.toEqual([name, value, null])
    }
  }
})

test('no kind of claims passes for another', () => {
  const kinds = ['USER', 'API_KEY', 'EXTERNAL']
  for (const claims of [ofUser, ofKey, ofExternal]) {
    for (const kind of kinds.filter((other) => other !== claims.kind)) {
      expect(unacceptableClaim({ ...claims, kind })).not.toBeNull()
    }
  }
})

test("an API key's token is of the client that obtained it", () => {
  expect(contradictionIn({ ...ofKey, client_id: id(4) })).toBe('sub is not client_id')
})
