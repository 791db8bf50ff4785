import { array, boolean, constantFrom, integer, letrec, oneof, record, string, tuple, type Arbitrary } from 'fast-check'
import { getNullableType, isLeafType, isListType, type GraphQLInputType } from 'graphql'

/** A value as JSON writes it and as a document does: as text, because what is hostile in it would not survive being a value. */
export interface Hostile {
  readonly json: string
  readonly literal: string
}

const texts = [
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\ufeff\u202e\u2028',
  '__proto__',
  'constructor',
  "'; drop table users; --",
  '%_\\',
  '$1',
  '{{7*7}}',
  '1',
  'NaN',
  '00000000-0000-0000-0000-000000000000',
  'a@b.c\u0000',
  '+275760-09-13T00:00:00.000Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:60.999999999Z',
  '294277-01-01T00:00:00Z',
  '*:*',
  'read:',
]

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'then', 'toJSON', 'length', '0', 'id']

/** Numbers as JSON writes them, also such as no number can hold. */
const numbers = [
  ...['0', '-0', '-1', '1.5', '1e400', '-1e400', '1e308', '5e-324', '2147483647', '2147483648', '-2147483649'],
  ...['9007199254740993', '1e15', '123456789012345678901234567890', '9'.repeat(400), `0.${'3'.repeat(400)}`],
]

const same = (text: string): Hostile => ({ json: text, literal: text })
const quoted = (text: string) => same(JSON.stringify(text))

const longText = tuple(constantFrom('a', '\u0000', '😀', '\ud800'), integer({ min: 100, max: 12_000 })).map(
  ([unit, count]) => quoted(unit.repeat(count)),
)

const deepList = integer({ min: 10, max: 6000 }).map((depth) => same(`${'['.repeat(depth)}1${']'.repeat(depth)}`))

const deepObject = integer({ min: 10, max: 6000 }).map((depth) => ({
  json: `${'{"nested":'.repeat(depth)}1${'}'.repeat(depth)}`,
  literal: `${'{nested:'.repeat(depth)}1${'}'.repeat(depth)}`,
}))

const objectOf = (entries: readonly [string, Hostile][]): Hostile => ({
  json: `{${entries.map(([name, { json }]) => `${JSON.stringify(name)}:${json}`).join(',')}}`,
  // Not every key can be a name of a document.
  literal: `{${entries.map(([name, { literal }]) => `${name.replace(/^\d/, '_')}:${literal}`).join(',')}}`,
})

const text = oneof(constantFrom(...texts.map(quoted)), string({ unit: 'binary', maxLength: 20 }).map(quoted), longText)
const number = constantFrom(...numbers.map(same))

/** Any value at all: of every type, too long, too large, too deep, with names that objects have by themselves. */
const anything: Arbitrary<Hostile> = letrec<{ any: Hostile; leaf: Hostile; list: Hostile; object: Hostile }>((tie) => ({
  any: oneof({ maxDepth: 3 }, tie('leaf'), tie('leaf'), tie('list'), tie('object')),
  leaf: oneof(text, text, number, constantFrom(...['null', 'true', 'false'].map(same)), deepList, deepObject),
  list: array(tie('any'), { maxLength: 4 }).map((items) => ({
    json: `[${items.map(({ json }) => json).join(',')}]`,
    literal: `[${items.map(({ literal }) => literal).join(',')}]`,
  })),
  object: array(tuple(constantFrom(...names), tie('any')), { maxLength: 4 }).map(objectOf),
})).any

/** What to send, wherever it is sent: something that a type does not expect, or the worst that passes for it. */
export interface Hostility {
  readonly fits: boolean
  readonly anything: Hostile
  readonly text: Hostile
  readonly number: Hostile
}

export const hostility: Arbitrary<Hostility> = record({ fits: boolean(), anything, text, number })

/** The value for a place of a type. */
export function valueFor(type: GraphQLInputType, hostile: Hostility): Hostile {
  const nullable = getNullableType(type)
  if (!hostile.fits) return hostile.anything
  if (isListType(nullable)) return valueFor(nullable.ofType, hostile)
  if (!isLeafType(nullable)) return hostile.anything
  return nullable.name === 'Int' ? hostile.number : hostile.text
}
