/** A document that is meant to exhaust whoever reads it, and the limit that it is refused for; null: it is not valid. */
export interface HostileDocument {
  name: string
  query: string
  limit: 'tokens' | 'depth' | 'aliases' | 'directives' | 'rootFields' | 'cost' | null
}

/** Where a schema can be walked in a circle. */
export interface Circle {
  /** A field of `Query` that leads to an object. */
  root: string
  /** The type of that object. */
  type: string
  /** Fields that lead from the object to its like: `a { b {`. */
  round: readonly string[]
  /** A list of many. */
  list: string
}

const times = (count: number, text: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => text(at)).join(' ')

/** As many levels as that, each in the one before. */
function nested(levels: number, { root, round }: Circle): string {
  const names = [root, ...Array.from({ length: levels - 2 }, (_, at) => round[at % round.length] ?? '')]
  return `{ ${names.map((name) => `${name} {`).join(' ')} __typename ${'}'.repeat(names.length)} }`
}

/** Fragments each of which spreads the next twice: 2^n fields, in text that grows with n. */
function doubling(levels: number, { root, type }: Circle, last: string): string {
  const fragments = times(levels, (at) => {
    const next = at === levels - 1 ? last : `...F${at + 1} ... on ${type} { ...F${at + 1} }`
    return `fragment F${at} on ${type} { ${next} }`
  })
  return `{ ${root} { ...F0 } } ${fragments}`
}

/** One of each kind that is known, for a schema. */
export function hostileDocuments(circle: Circle): HostileDocument[] {
  const { root, type, round, list } = circle
  const [step = ''] = round
  const inward = `${round.map((name) => `${name} {`).join(' ')} ...C ${'}'.repeat(round.length)}`
  return [
    { name: '5,000 levels of fields', query: nested(5_000, circle), limit: 'tokens' },
    { name: '200 levels of fields', query: nested(200, circle), limit: 'depth' },
    {
      name: '5,000 levels of fragments',
      query: `${'{ ... '.repeat(5_000)}{ __typename }${'}'.repeat(5_000)}`,
      limit: 'tokens',
    },
    {
      name: '5,000 levels of a list',
      query: `{ ${root} @a(b: ${'['.repeat(5_000)}${']'.repeat(5_000)}) }`,
      limit: 'tokens',
    },
    { name: 'fragments that double', query: doubling(60, circle, 'a: __typename'), limit: 'aliases' },
    {
      name: 'fragments that double at each level',
      query: doubling(60, circle, `${step} { __typename }`),
      limit: 'cost',
    },
    {
      name: 'fragments that double into directives',
      query: doubling(60, circle, '__typename @skip(if: true)'),
      limit: 'directives',
    },
    { name: 'a fragment in a circle', query: `{ ${root} { ...C } } fragment C on ${type} { ${inward} }`, limit: null },
    { name: 'a fragment of itself', query: `{ ${root} { ...C } } fragment C on ${type} { ...C }`, limit: null },
    { name: '300 aliases of __typename', query: `{ ${times(300, (at) => `a${at}: __typename`)} }`, limit: 'aliases' },
    {
      name: '60 aliases of what reads rows',
      query: `{ ${times(60, (at) => `a${at}: ${root} { __typename }`)} }`,
      limit: 'aliases',
    },
    { name: '4,000 aliases', query: `{ ${times(4_000, (at) => `a${at}: __typename`)} }`, limit: 'tokens' },
    { name: '900 fields at the top', query: `{ ${times(900, () => '__typename')} }`, limit: 'rootFields' },
    {
      name: '90 directives on a field',
      query: `{ ${root} { __typename ${times(90, () => '@include(if: true)')} } }`,
      limit: 'directives',
    },
    { name: '400 unknown directives', query: `{ __typename ${times(400, (at) => `@d${at}`)} }`, limit: 'directives' },
    { name: 'a page of a million', query: `{ ${list}(first: 1000000) { nodes { __typename } } }`, limit: 'cost' },
    {
      name: 'a string of 90,000 characters that does not end',
      query: `{ ${root}(id: "${'x'.repeat(90_000)}`,
      limit: null,
    },
  ]
}
