import { describe, expect, test } from '@jest/globals'
import { bare, principalNames, serve, told, type PrincipalName } from './fixture.ts'

const users: PrincipalName[] = ['nobody', 'viewer', 'developer', 'admin', 'operator']
const members: PrincipalName[] = ['viewer', 'developer', 'admin']
const keys: PrincipalName[] = ['readKey', 'projectKey', 'fullKey']

/** Written by hand: each rule, and everyone whom it lets in. */
const rules: [rule: string, allowed: PrincipalName[]][] = [
  ['@public', ['anonymous', ...users, ...keys, 'external']],
  ['@auth', [...users, ...keys, 'external']],
  ['@auth(kinds: [USER])', users],
  ['@auth(kinds: [OPERATOR])', ['operator']],
  ['@auth(kinds: [API_KEY, EXTERNAL])', [...keys, 'external']],
  ['@role(atLeast: VIEWER)', members],
  ['@role(atLeast: DEVELOPER)', ['developer', 'admin']],
  ['@role(atLeast: ADMIN)', ['admin']],
  ['@role(atLeast: VIEWER) @role(atLeast: ADMIN)', ['admin']],
  ['@role(atLeast: ADMIN) @role(atLeast: VIEWER)', ['admin']],
  ['@scope(requires: "read:projects")', [...members, ...keys, 'external']],
  ['@scope(requires: ["read:projects", "write:projects"])', ['developer', 'admin', 'fullKey']],
  ['@scope(anyOf: ["read:gateways", "write:projects"])', [...members, 'readKey', 'fullKey']],
  [
    '@scope(requires: "read:projects", anyOf: ["write:projects", "delete:projects"])',
    ['developer', 'admin', 'fullKey'],
  ],
  ['@scope(requires: "read:projects") @scope(requires: "read:gateways")', [...members, 'readKey', 'fullKey']],
  ['@scope(anyOf: "delete:projects") @scope(anyOf: ["read:gateways", "read:projects"])', ['admin', 'fullKey']],
  ['@auth(kinds: [USER]) @scope(requires: "read:projects")', members],
  ['@role(atLeast: VIEWER) @scope(requires: "write:gateways")', ['developer', 'admin']],
  ['@auth(kinds: [API_KEY]) @role(atLeast: VIEWER)', []],
]

const sdl = (rule: string) => {
  // `@public` is not for interfaces, and says nothing there that its absence does not.
  const guard = rule === '@public' ? '' : rule
  return `
    type Query {
      open: String @public
      direct: String ${rule}
      thing: Thing @public
      things: [Thing!] @public
      extended: Extended @public
      holder: Holder @public
      node: Node @public
      nodes: [Node] @public
      any: Any @public
      anything: [Any] @public
      guarded: Guarded @public
      closed: Closed @public
      partly: Partly @public
      slow: Slow @public
    }
    interface Node { id: ID }
    type Thing implements Node ${guard} { id: ID }
    type Plain implements Node { id: ID }
    type Extended { id: ID }
    extend type Extended ${guard} { more: ID }
    type Holder { open: String  secret: String ${rule}  inner: Holder }
    extend type Holder { late: String ${rule} }
    union Any = Thing | Plain
    interface Guarded ${guard} { id: ID }
    type Closed implements Guarded { id: ID }
    interface Partly { id: ID ${rule}  open: String }
    type Part implements Partly { id: ID  open: String }
    interface Slow { id: ID }
    type Late implements Slow ${guard} { id: ID }
  `
}

const holder = () => ({ open: 'o', secret: 's', late: 'l', inner: { open: 'o', secret: 's', late: 'l' } })
const thing = { __typename: 'Thing', id: '1' }
const plain = { __typename: 'Plain', id: '2' }
const resolvers = {
  Query: {
    open: () => 'o',
    direct: () => 'd',
    thing: () => thing,
    things: () => [thing, thing],
    extended: () => ({ id: '1', more: '2' }),
    holder,
    node: () => thing,
    nodes: () => [plain, thing, plain],
    any: () => thing,
    anything: () => [plain, thing],
    guarded: () => ({ __typename: 'Closed', id: '1' }),
    closed: () => ({ id: '1' }),
    partly: () => ({ __typename: 'Part', id: '1', open: 'o' }),
    slow: () => ({ id: '1' }),
  },
  Slow: { __resolveType: () => Promise.resolve('Late') },
}

interface Way {
  readonly query: string
  readonly granted: object
  readonly denied: object
  readonly paths: string[]
  readonly variables?: Record<string, unknown>
}

/** Every way to reach what the rule guards, what is answered with access, and what without. */
const ways: Record<string, Way> = {
  'a field': { query: '{ open direct }', granted: { direct: 'd' }, denied: { direct: null }, paths: ['direct'] },
  'an alias': { query: '{ open a: direct }', granted: { a: 'd' }, denied: { a: null }, paths: ['a'] },
  'an alias with an innocent name': {
    query: '{ open __typename: direct }',
    granted: { __typename: 'd' },
    denied: { __typename: null },
    paths: ['__typename'],
  },
  'two aliases': {
    query: '{ open a: direct b: direct }',
    granted: { a: 'd', b: 'd' },
    denied: { a: null, b: null },
    paths: ['a', 'b'],
  },
  'a named fragment': {
    query: '{ open ...F } fragment F on Query { direct }',
    granted: { direct: 'd' },
    denied: { direct: null },
    paths: ['direct'],
  },
  'a fragment in a fragment': {
    query: '{ open ...F } fragment F on Query { ...G ...G } fragment G on Query { direct direct }',
    granted: { direct: 'd' },
    denied: { direct: null },
    paths: ['direct'],
  },
  'an inline fragment': {
    query: '{ open ... on Query { ... { direct } } }',
    granted: { direct: 'd' },
    denied: { direct: null },
    paths: ['direct'],
  },
  'beside __schema and __type': {
    query: '{ open __type(name: "Node") { name } direct __schema { queryType { name } } }',
    granted: { __type: { name: 'Node' }, direct: 'd', __schema: { queryType: { name: 'Query' } } },
    denied: { __type: { name: 'Node' }, direct: null, __schema: { queryType: { name: 'Query' } } },
    paths: ['direct'],
  },
  '@include through a variable': {
    query: 'query ($yes: Boolean!) { open direct @include(if: $yes) }',
    variables: { yes: true },
    granted: { direct: 'd' },
    denied: { direct: null },
    paths: ['direct'],
  },
  '@skip through a default': {
    query: 'query ($no: Boolean = false) { open ... @skip(if: $no) { direct } }',
    granted: { direct: 'd' },
    denied: { direct: null },
    paths: ['direct'],
  },
  'left out by variables': {
    query:
      'query ($yes: Boolean!, $no: Boolean = false) { open direct @skip(if: $yes) ...F @include(if: $no) }' +
      ' fragment F on Query { direct }',
    variables: { yes: true },
    granted: {},
    denied: {},
    paths: [],
  },
  'left out by literals': {
    query:
      '{ open direct @include(if: false) ... @skip(if: true) { direct } ...F @skip(if: true) }' +
      ' fragment F on Query { direct }',
    granted: {},
    denied: {},
    paths: [],
  },
  '__typename of a guarded type': {
    query: '{ open thing { __typename } }',
    granted: { thing: { __typename: 'Thing' } },
    denied: { thing: null },
    paths: ['thing'],
  },
  'a list of a guarded type': {
    query: '{ open things { id } }',
    granted: { things: [{ id: '1' }, { id: '1' }] },
    denied: { things: null },
    paths: ['things'],
  },
  'an extension of the type': {
    query: '{ open extended { id } }',
    granted: { extended: { id: '1' } },
    denied: { extended: null },
    paths: ['extended'],
  },
  'a field of an object': {
    query: '{ open holder { open secret inner { secret } } }',
    granted: { holder: { open: 'o', secret: 's', inner: { secret: 's' } } },
    denied: { holder: { open: 'o', secret: null, inner: { secret: null } } },
    paths: ['holder.secret', 'holder.inner.secret'],
  },
  'a field of an extension, in a fragment used twice': {
    query: '{ open holder { ...F inner { ...F } } } fragment F on Holder { open late }',
    granted: { holder: { open: 'o', late: 'l', inner: { open: 'o', late: 'l' } } },
    denied: { holder: { open: 'o', late: null, inner: { open: 'o', late: null } } },
    paths: ['holder.late', 'holder.inner.late'],
  },
  '__typename through an interface': {
    query: '{ open node { __typename } }',
    granted: { node: { __typename: 'Thing' } },
    denied: { node: null },
    paths: ['node'],
  },
  'a field of the interface': {
    query: '{ open node { id } }',
    granted: { node: { id: '1' } },
    denied: { node: null },
    paths: ['node'],
  },
  'a list of an interface, item by item': {
    query: '{ open nodes { id } }',
    granted: { nodes: [{ id: '2' }, { id: '1' }, { id: '2' }] },
    denied: { nodes: [{ id: '2' }, null, { id: '2' }] },
    paths: ['nodes.1'],
  },
  'a fragment on an implementer': {
    query: '{ open nodes { ... on Thing { id } } }',
    granted: { nodes: [{}, { id: '1' }, {}] },
    denied: { nodes: [{}, null, {}] },
    paths: ['nodes.1'],
  },
  'a fragment on another type tells nothing': {
    query: '{ open nodes { ... on Plain { id } } }',
    granted: { nodes: [{ id: '2' }, {}, { id: '2' }] },
    denied: { nodes: [{ id: '2' }, {}, { id: '2' }] },
    paths: [],
  },
  '__typename through a union': {
    query: '{ open any { __typename } }',
    granted: { any: { __typename: 'Thing' } },
    denied: { any: null },
    paths: ['any'],
  },
  'an interface within a union': {
    query: '{ open anything { ... on Node { id } } }',
    granted: { anything: [{ id: '2' }, { id: '1' }] },
    denied: { anything: [{ id: '2' }, null] },
    paths: ['anything.1'],
  },
  'a guarded interface': {
    query: '{ open guarded { __typename } closed { __typename } }',
    granted: { guarded: { __typename: 'Closed' }, closed: { __typename: 'Closed' } },
    denied: { guarded: null, closed: null },
    paths: ['guarded', 'closed'],
  },
  'a guarded field of an interface': {
    query: '{ open partly { open id ... on Part { also: id } } }',
    granted: { partly: { open: 'o', id: '1', also: '1' } },
    denied: { partly: { open: 'o', id: null, also: null } },
    paths: ['partly.id', 'partly.also'],
  },
  'a type that is known late': {
    query: '{ open slow { __typename } }',
    granted: { slow: { __typename: 'Late' } },
    denied: { slow: null },
    paths: ['slow'],
  },
}

describe.each(rules)('%s', (rule, allowed) => {
  const ask = serve(sdl(rule), resolvers)
  const askBare = bare(sdl(rule), resolvers)

  test.each(Object.keys(ways))('%s', async (name) => {
    const way = ways[name]!
    for (const as of principalNames) {
      const asked = { as, ...(way.variables ? { variables: way.variables } : {}) }
      const isGranted = allowed.includes(as)
      const data = { open: 'o', ...(isGranted ? way.granted : way.denied) }
      const code = as === 'anonymous' ? 'UNAUTHENTICATED' : 'FORBIDDEN'
      const errors = isGranted ? [] : way.paths.map((path) => `${path}: ${code}`).sort()

      const answer = await ask(way.query, asked)
      expect({ as, data: answer.data, errors: told(answer).sort() }).toEqual({ as, data, errors })
      expect(answer.status ?? 200).toBe(200)
      const result = await askBare(way.query, asked)
      expect({ as, data: result.data, errors: told(result).sort() }).toEqual({ as, data, errors })
    }
  })
})
