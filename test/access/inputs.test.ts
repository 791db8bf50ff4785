import { describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { createPlanner } from '../../src/access/planner.ts'
import { bare, policyOf, principals, serve, told, type PrincipalName } from './fixture.ts'

const sdl = `
  type Query {
    open: String @public
    find(
      plain: Int
      secret: Int @scope(requires: "read:secrets")
      preset: Int = 7 @auth
      filter: Filter
      filters: [Filter]
      grid: [[Filter!]!]
      outer: Outer
      lone: Lone
    ): String @public
    search(filter: Filter!, term: Int @role(atLeast: ADMIN)): String @auth
    finder: Finder @public
  }
  interface Finder { find(by: Int @auth(kinds: [USER])): String }
  type Here implements Finder { find(by: Int): String }
  type There implements Finder { find(by: Int @role(atLeast: ADMIN)): String }
  type Mutation { change(filter: Filter): String @public }
  input Filter {
    name: String
    owner: String @scope(requires: "read:secrets")
    deep: Filter
    all: [Filter!]
    preset: Int = 3 @role(atLeast: ADMIN)
    box: Box = { size: 1 }
  }
  input Box { size: Int @role(atLeast: ADMIN) }
  input Lone { name: String }
  input Outer { name: String  inner: Inner  inners: [Inner!] }
  input Inner { name: String  filter: Filter }
`
let calls: unknown[] = []
const record = (_: unknown, args: unknown) => String(calls.push(args))
const resolvers = {
  Query: { open: () => 'o', find: record, search: record, finder: () => ({ __typename: 'There' }) },
  Mutation: { change: record },
  Here: { find: () => 'f' },
  There: { find: () => 'f' },
}
const ask = serve(sdl, resolvers)
const askBare = bare(sdl, resolvers)
const planner = createPlanner(policyOf(sdl))

/** `readKey` holds read:secrets, `projectKey` does not, and neither is an admin. */
async function isAllowed(query: string, variables?: Record<string, unknown>, as: PrincipalName = 'projectKey') {
  const asked = { as, ...(variables ? { variables } : {}) }
  calls = []
  const answer = await ask(query, asked)
  // The plan has found it already: a mutation must not have begun.
  const planned = planner.decide({ document: parse(query), variables: variables ?? {} }, principals[as]).denials
  expect(planned.map(({ path, error }) => `${path.join('.')}: ${error.code}`)).toEqual(told(answer))
  const callsOfServer = calls.length
  const result = await askBare(query, asked)
  expect(told(result).sort()).toEqual(told(answer).sort())
  expect([callsOfServer, calls.length]).toEqual(answer.errors.length > 0 ? [0, 0] : [1, 2])
  return answer.errors.length === 0
}

const leftOut: [query: string, variables?: Record<string, unknown>][] = [
  ['{ open find }'],
  ['{ open find(plain: 1) }'],
  ['query ($s: Int) { open find(plain: $s) }', { s: 1 }],
  ['query ($s: Int) { open find(secret: $s) }'],
  ['query ($s: Int) { open find(secret: $s) }', {}],
  ['query ($s: String) { open find(filter: { name: "n", owner: $s }) }'],
  ['query ($f: Filter) { open find(filter: $f) }'],
  ['query ($f: Filter) { open find(filter: $f) }', { f: null }],
  ['query ($f: Filter) { open find(filter: $f) }', { f: {} }],
  ['query ($f: Filter) { open find(filter: $f) }', { f: { name: 'n', deep: { name: 'm', all: [] } } }],
  ['query ($f: Filter = { name: "n" }) { open find(filter: $f) }'],
  ['query ($f: Filter = { owner: "o" }) { open find(filter: $f) }', { f: { name: 'n' } }],
  ['{ open find(filters: [{ name: "n" }, null]) }'],
  ['query ($f: [Filter]) { open find(filters: $f) }', { f: [{ name: 'n' }, null] }],
  ['query ($f: Filter) { open find(filters: [$f]) }'],
  ['{ open find(outer: { name: "n", inner: { name: "n" } }) }'],
  ['query ($o: Outer) { open find(outer: $o) }', { o: { inner: { filter: { name: 'n' } }, inners: [{}] } }],
  ['query ($l: Lone) { open find(lone: $l) }', { l: { name: 'n' } }],
]

const supplied: [query: string, variables?: Record<string, unknown>][] = [
  ['{ open find(secret: 1) }'],
  ['{ open find(secret: null) }'],
  ['query ($s: Int) { open find(secret: $s) }', { s: 1 }],
  ['query ($s: Int) { open find(secret: $s) }', { s: null }],
  ['query ($s: Int) { open find(secret: $s) }', { s: undefined }],
  ['query ($s: Int = 5) { open find(secret: $s) }'],
  ['query ($s: Int = null) { open find(secret: $s) }'],
  ['query ($s: Int = 5) { open find(secret: $s) }', { s: 6 }],
  ['{ open ... { f: find(plain: 1, secret: 1) } }'],
  ['{ open ...F } fragment F on Query { find(secret: 1) }'],
  ['{ open find(filter: { owner: "o" }) }'],
  ['{ open find(filter: { owner: null }) }'],
  ['query ($s: String) { open find(filter: { owner: $s }) }', { s: 'o' }],
  ['query ($s: String) { open find(filter: { owner: $s }) }', { s: null }],
  ['query ($s: String = "o") { open find(filter: { owner: $s }) }'],
  ['query ($f: Filter) { open find(filter: $f) }', { f: { owner: 'o' } }],
  ['query ($f: Filter) { open find(filter: $f) }', { f: { owner: null } }],
  ['query ($f: Filter) { open find(filter: $f) }', { f: { deep: { deep: { owner: 'o' } } } }],
  ['query ($f: Filter) { open find(filter: { deep: { deep: $f } }) }', { f: { owner: 'o' } }],
  ['query ($f: Filter = { deep: { owner: "o" } }) { open find(filter: $f) }'],
  ['query ($f: [Filter!]) { open find(filter: { all: $f }) }', { f: [{}, { owner: 'o' }] }],
  ['query ($f: [Filter!]) { open find(filter: { all: $f }) }', { f: { owner: 'o' } }],
  ['query ($f: Filter!) { open find(filter: { all: [{ name: "n" }, $f] }) }', { f: { owner: 'o' } }],
  ['{ open find(filter: { all: { owner: "o" } }) }'],
  ['{ open find(filters: [null, { owner: "o" }]) }'],
  ['query ($g: [[Filter!]!]) { open find(grid: $g) }', { g: [[{}], [{}, { owner: 'o' }]] }],
  ['{ open find(outer: { inner: { filter: { owner: "o" } } }) }'],
  ['{ open find(outer: { inners: [{ name: "n" }, { filter: { owner: "o" } }] }) }'],
  ['query ($o: Outer) { open find(outer: $o) }', { o: { inner: { filter: { owner: 'o' } } } }],
  ['query ($o: Outer = { inners: { filter: { owner: "o" } } }) { open find(outer: $o) }'],
  ['{ open find(grid: [[{ name: "n" }], { owner: "o" }]) }'],
]

test('one guarded field is found through types that hold nothing else that is guarded', async () => {
  const schema = `
    type Query { open: String @public  find(a: A): String @public }
    input A { plain: Int  b: B }
    input B { plain: Int  c: [C!] }
    input C { plain: Int  secret: Int @auth }
  `
  for (const query of [
    '{ open find(a: { b: { c: { secret: 1 } } }) }',
    '{ open find(a: { b: { c: [{ plain: 1 }] } }) }',
  ]) {
    const isDenied = query.includes('secret')
    expect(told(await serve(schema)(query))).toEqual(isDenied ? ['find: UNAUTHENTICATED'] : [])
    expect(told(await bare(schema)(query))).toEqual(isDenied ? ['find: UNAUTHENTICATED'] : [])
  }
})

describe('a guarded argument or input field', () => {
  test.each(leftOut.map(([query, variables = {}]) => [query, variables] as const))(
    'that is left out needs no access: %s %j',
    async (query, variables) => {
      expect(await isAllowed(query, variables)).toBe(true)
    },
  )

  test.each(supplied.map(([query, variables = {}]) => [query, variables] as const))(
    'that is supplied needs it: %s %j',
    async (query, variables) => {
      expect(await isAllowed(query, variables)).toBe(false)
      expect(await isAllowed(query, variables, 'readKey')).toBe(true)
    },
  )

  test('tells which input was refused, at the path of its field', async () => {
    const { errors } = await ask('{ open f: find(secret: 1, filter: { deep: { owner: "o" } }) }', { as: 'projectKey' })
    expect(errors).toEqual([
      {
        message: 'Query.find(secret:) requires `read:secrets`',
        path: ['f'],
        locations: [{ line: 1, column: 8 }],
        extensions: {
          code: 'FORBIDDEN',
          reason: 'INSUFFICIENT_SCOPE',
          required: ['read:secrets'],
          missing: ['read:secrets'],
        },
      },
    ])
  })

  test('with a default of the schema is supplied by the caller alone', async () => {
    expect(await isAllowed('{ open find }', {}, 'anonymous')).toBe(true)
    expect(await isAllowed('{ open find(preset: 7) }', {}, 'anonymous')).toBe(false)
    expect(await isAllowed('{ open find(filter: { name: "n" }) }')).toBe(true)
    expect(await isAllowed('{ open find(filter: { preset: 3 }) }')).toBe(false)
    expect(await isAllowed('query ($f: Filter) { open find(filter: $f) }', { f: { preset: 4 } })).toBe(false)
    expect(await isAllowed('query ($f: Filter) { open find(filter: $f) }', { f: { box: { size: 2 } } })).toBe(false)
  })

  test('equal to its default is supplied all the same; the bare schema cannot tell, and lets it pass', async () => {
    const [query, asked] = [
      'query ($f: Filter) { open find(filter: $f) }',
      { variables: { f: { preset: 3 } } },
    ] as const
    expect(told(await ask(query, asked))).toEqual(['find: UNAUTHENTICATED'])
    expect(told(await askBare(query, asked))).toEqual([])
  })

  test('counts beside what the field itself needs', async () => {
    expect(await isAllowed('{ open search(filter: {}) }', {}, 'anonymous')).toBe(false)
    expect(await isAllowed('{ open search(filter: {}) }', {}, 'viewer')).toBe(true)
    expect(await isAllowed('{ open search(filter: {}, term: 1) }', {}, 'viewer')).toBe(false)
    expect(await isAllowed('{ open search(filter: {}, term: 1) }', {}, 'admin')).toBe(true)
  })

  test('of an interface is guarded in every implementer, together with its own rules', async () => {
    const query = '{ finder { find(by: 1) } }'
    expect(told(await ask(query, { as: 'fullKey' }))).toEqual(['finder.find: FORBIDDEN'])
    expect(told(await ask(query, { as: 'viewer' }))).toEqual(['finder.find: FORBIDDEN'])
    expect(told(await ask(query, { as: 'admin' }))).toEqual([])
    expect(told(await ask('{ finder { find } }'))).toEqual([])
  })

  test('refuses a whole mutation', async () => {
    calls = []
    const query = 'mutation ($f: Filter) { a: change b: change(filter: $f) }'
    const answer = await ask(query, { as: 'viewer', variables: { f: { preset: 1 } } })
    expect([answer.status, answer.data, told(answer), calls]).toEqual([403, undefined, ['b: FORBIDDEN'], []])
    expect((await ask(query, { as: 'viewer', variables: { f: { name: 'n' } } })).data).toEqual({ a: '1', b: '2' })
  })

  test('that does not even fit its type opens nothing', async () => {
    const query = 'query ($f: Filter, $g: [Filter]) { open find(filter: $f, filters: $g) }'
    for (const f of ['text', 7, [{ owner: 'o' }], { owner: 'o', unknown: 1 }]) {
      calls = []
      const answer = await ask(query, { variables: { f, g: 'text' } })
      expect([answer.errors.length > 0, calls]).toEqual([true, []])
    }
  })
})
