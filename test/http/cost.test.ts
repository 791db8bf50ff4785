import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { buildSchema, getOperationAST, parse, type GraphQLSchema } from 'graphql'
import { createOperationCost } from '../../src/http/cost.ts'
import { readSdl } from '../../src/schema.ts'
import { answerOf, givenServer, testConfig, testSchema, type GivenServer } from './given-server.ts'

/** Asks for the cost of one document, which is parsed once, as the server does. */
function asking(schema: GraphQLSchema, query: string): (variables?: Record<string, unknown>) => number {
  const document = parse(query)
  const operation = getOperationAST(document)
  if (!operation) throw new Error('No operation')
  const costOf = createOperationCost(schema, testConfig.limits)
  return (variables = {}) => costOf(document, operation, variables)
}

const directives = `
  directive @cost(weight: String!) on OBJECT | FIELD_DEFINITION | SCALAR | ENUM
  directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!]) on FIELD_DEFINITION
`
const schemaOf = (sdl: string): GraphQLSchema => buildSchema(directives + sdl)

describe('a cost', () => {
  const cost = (query: string, variables: Record<string, unknown> = {}) => asking(testSchema, query)(variables)

  test('counts the objects that an answer may hold', () => {
    expect(cost('{ hello upper __typename }')).toBe(0)
    expect(cost('{ project(id: 1) { id name parent { id } } }')).toBe(2)
    expect(cost('{ projects(first: 7) { totalCount nodes { id } } }')).toBe(1 + 7)
    expect(cost('{ projects(first: 7) { edges { node { id } } } }')).toBe(1 + 7)
    expect(cost('{ projects(last: 3) { pageInfo { hasNextPage } nodes { id } } }')).toBe(1 + 1 + 3)
    expect(cost('{ projects(first: 2) { nodes { children(first: 3) { nodes { id } } } } }')).toBe(1 + 2 * (1 + 1 + 3))
    expect(cost('{ owner { ... on User { projects(first: 4) { nodes { id } } } } }')).toBe(1 + 1 + 4)
  })

  test('takes the size of a list that says none from the schema, else from the settings', () => {
    expect(cost('{ projects { nodes { id } } }')).toBe(1 + 50)
    expect(cost('{ all { id } }')).toBe(50)
    expect(cost('{ project(id: 1) { children { nodes { id } } } }')).toBe(1 + 1 + 5)
    expect(cost('query ($n: Int) { projects(first: $n) { nodes { id } } }')).toBe(1 + 50)
    expect(cost('query ($n: Int = 4) { projects(first: $n) { nodes { id } } }')).toBe(1 + 4)
  })

  test('tells a variable that is null from one that is left out', () => {
    const costOf = asking(testSchema, 'query ($n: Int = 4) { projects(first: $n) { nodes { id } } }')
    expect([costOf({}), costOf({ n: null }), costOf({}), costOf({ n: 9 }), costOf({ n: 'x' })]).toEqual([
      5, 51, 5, 10, 51,
    ])
  })

  test('carries the page size through fragments', () => {
    const fragments = 'fragment C on ProjectConnection { nodes { ...P } } fragment P on Project { parent { id } }'
    expect(cost(`{ a: projects(first: 2) { ...C } b: projects(first: 3) { ...C } } ${fragments}`)).toBe(1 + 4 + 1 + 6)
  })

  test('is a number for every size, however strange', () => {
    const query = 'query ($n: Int) { projects(first: $n, last: $n) { nodes { children(first: $n) { nodes { id } } } } }'
    const values = [-1, -1e308, 1e308, Infinity, NaN, 1.5, 0, '7', [], {}, true, null, 2 ** 53]
    for (const n of values) expect(Number.isFinite(cost(query, { n }))).toBe(true)
    expect(cost(query, { n: 1e308 })).toBeGreaterThan(5000)
    expect(cost(`{ projects(first: ${'9'.repeat(400)}) { edges { __typename } nodes { id } } }`)).toBeGreaterThan(5000)
  })

  test('of a schema of one type is measured like any other', () => {
    const schema = buildSchema('type Query { self: Query list: [Query] }')
    expect(asking(schema, '{ self { list { list { self { __typename } } } } }')()).toBe(1 + 50 * (1 + 50 * 2))
  })
})

describe('@cost', () => {
  const schema = schemaOf(`
    interface Named { name: String }
    type Dear implements Named @cost(weight: "7") { name: String @cost(weight: "3") }
    type Cheap implements Named { name: String }
    union Either = Dear | Cheap
    enum Color @cost(weight: "2") { RED }
    scalar Blob
    extend scalar Blob @cost(weight: "4")
    type Query {
      dear: Dear  discounted: Dear @cost(weight: "1")  dears: [Dear!]  cheap: Cheap
      named: Named  either: Either  color: Color  colors: [Color!]! @listSize(assumedSize: 6)
      blob: Blob  plain: String  heavy(by: Int): Int @cost(weight: "900")
    }
  `)
  test.each([
    ['{ plain }', 0],
    ['{ dear { __typename } }', 7],
    ['{ dear { name } }', 7 + 3],
    ['{ cheap { name } }', 1],
    ['{ dears { name } }', 50 * (7 + 3)],
    ['{ a: heavy(by: 1) b: heavy(by: 2) }', 1800],
    ['{ color blob }', 2 + 4],
  ])('counts what the field, else its type, weighs: %s', (query, expected) => {
    expect(asking(schema, query)()).toBe(expected)
  })

  test('of a field stands before that of its type', () => {
    expect(asking(schema, '{ discounted { name } }')()).toBe(1 + 3)
  })

  test('counts a list of scalars as often as it may be long', () => {
    expect(asking(schema, '{ colors }')()).toBe(6 * 2)
  })

  test('cannot be gone round through an interface or a union', () => {
    expect(asking(schema, '{ named { name } }')()).toBe(7 + 3)
    expect(asking(schema, '{ either { ... on Cheap { name } } }')()).toBe(7)
    expect(asking(schema, '{ either { ... on Named { name } } }')()).toBe(7 + 3)
  })
})

describe('@listSize', () => {
  const schema = schemaOf(`
    type Page { items: [Item!]! others: [Item!]! one: Item }
    type Item { id: ID }
    type Query {
      assumed: [Item!] @listSize(assumedSize: 3)
      sliced(count: Int = 8): [Item!] @listSize(slicingArguments: ["count"])
      page(take: Int, drop: Int): Page @listSize(assumedSize: 4, slicingArguments: ["take", "drop"], sizedFields: ["items"])
    }
  `)
  test.each([
    ['{ assumed { id } }', 3],
    ['{ sliced { id } }', 8],
    ['{ sliced(count: 2) { id } }', 2],
    ['{ sliced(count: null) { id } }', 50],
    ['{ page { items { id } } }', 1 + 4],
    ['{ page(take: 9) { items { id } } }', 1 + 9],
    ['{ page(take: 9, drop: 11) { items { id } } }', 1 + 11],
    ['{ page(take: 9) { others { id } one { id } } }', 1 + 50 + 1],
    ['{ page(take: 9) { ...P } } fragment P on Page { items { id } others { id } }', 1 + 9 + 50],
  ])('says how long a list is: %s', (query, expected) => {
    expect(asking(schema, query)()).toBe(expected)
  })
})

describe('a server does not start with', () => {
  test.each([
    ['Item: @cost: the weight must be a whole number below a million: -1', 'type Item @cost(weight: "-1") { id: ID }'],
    ['Item.id: @cost: the weight must be', 'type Item { id: ID @cost(weight: "cheap") }'],
    ['Item.id: @cost: the weight must be', 'type Item { id: ID @cost(weight: "1.5") }'],
    ['Item.id: @cost: the weight must be', 'type Item { id: ID @cost(weight: "1e9") }'],
    ['Item: @cost: the weight must be', 'type Item { id: ID } extend type Item @cost(weight: "")'],
    ['Query: @cost: nothing returns it', 'extend type Query @cost(weight: "1")'],
    ['Item.all: "first" says how large', 'type Item { all(first: Int): [Item!] }'],
    ['Item.all: @listSize: neither assumedSize', 'type Item { all: [Item!] @listSize }'],
    ['Item.all: @listSize: assumedSize is negative', 'type Item { all: [Item!] @listSize(assumedSize: -1) }'],
    ['Item.id: @listSize: neither is it a list', 'type Item { id: ID @listSize(assumedSize: 1) }'],
    ['no argument that is an Int: n', 'type Item { all(m: Int): [Item!] @listSize(slicingArguments: ["n"]) }'],
    ['no argument that is an Int: n', 'type Item { all(n: String): [Item!] @listSize(slicingArguments: ["n"]) }'],
    ['names no list below: id', 'type Item { one: Item @listSize(assumedSize: 1, sizedFields: ["id"]) id: ID }'],
    ['names no list below: no', 'type Item { one: Item @listSize(assumedSize: 1, sizedFields: ["no"]) id: ID }'],
    ['a list has its own size', 'type Item { all: [Item!] @listSize(assumedSize: 1, sizedFields: ["all"]) }'],
    [
      'Has.all: @listSize must be the same',
      `interface Has { all: [Item!] } type Item implements Has { all: [Item!] @listSize(assumedSize: 900) }`,
    ],
  ])('%s', async (mistake, sdl) => {
    const schema = schemaOf(`type Query { plain: String } ${sdl}`)
    expect(() => createOperationCost(schema, testConfig.limits)).toThrow(mistake)
    await expect(givenServer({ schema })).rejects.toThrow(mistake)
  })

  test('several mistakes: all of them are told', () => {
    const schema = schemaOf('type Query { a: ID @cost(weight: "x") b(last: Int): [ID] }')
    expect(() => createOperationCost(schema, testConfig.limits)).toThrow(/Query\.a: [\s\S]*Query\.b: /)
  })
})

describe('the schema that is served', () => {
  const cost = (query: string, variables?: Record<string, unknown>) => asking(readSdl(), query)(variables)

  test('counts pages, both ways of reading them alike, and totals', () => {
    expect(cost('{ projects(first: 7) { nodes { id } } }')).toBe(1 + 7)
    expect(cost('{ projects(last: 7) { edges { node { id } } } }')).toBe(1 + 7)
    expect(cost('{ projects(first: 2) { totalCount nodes { gateways(first: 3) { nodes { id } } } } }')).toBe(
      1 + 1 + 2 * (1 + 1 + 3),
    )
    expect(cost('{ platform { auditEvents(first: 5) { nodes { id } } } }')).toBe(1 + 1 + 5)
  })

  test('counts what hashes a password as many objects', () => {
    expect(cost('mutation { login(input: { email: "a@b.test", password: "x" }) { accessToken } }')).toBe(100)
  })
})

describe('the report of a cost', () => {
  const report = { 'graphql-cost': 'report' }
  const query = 'query ($n: Int) { projects(first: $n) { nodes { id } } }'
  let server: GivenServer
  beforeAll(async () => {
    server = await givenServer()
  })
  afterAll(() => server.close())

  const extensionsOf = async (body: unknown, headers: Record<string, string> = report) =>
    ((await answerOf(await server.post(body, headers))) as { extensions?: unknown }).extensions

  test('is given to who asks for it, whatever the answer holds', async () => {
    expect(await extensionsOf({ query, variables: { n: 9 } })).toEqual({ cost: { requested: 10, maximum: 5000 } })
    expect(await extensionsOf({ query, variables: { n: 20 } })).toEqual({ cost: { requested: 21, maximum: 5000 } })
    expect(await extensionsOf({ query: 'mutation { touch }' })).toEqual({ cost: { requested: 0, maximum: 5000 } })
    const [of] = ['{ thrown(kind: "FORBIDDEN") project(id: 1) { id } }']
    expect(await extensionsOf({ query: of })).toEqual({ cost: { requested: 1, maximum: 5000 } })
    const search = `?query=${encodeURIComponent('{ project(id: 1) { id } }')}`
    const got = await fetch(`${server.url}/graphql${search}`, { headers: report })
    expect(await got.json()).toMatchObject({ extensions: { cost: { requested: 1 } } })
  })

  test('is given to nobody else', async () => {
    expect(await extensionsOf({ query }, {})).toBeUndefined()
    for (const asked of ['', 'no', 'validate', 'true']) {
      expect(await extensionsOf({ query }, { 'graphql-cost': asked })).toBeUndefined()
    }
  })

  test('tells what is refused for its cost how much that was', async () => {
    const large = { query, variables: { n: 9999 } }
    expect(await extensionsOf(large)).toEqual({ cost: { requested: 10_000, maximum: 5000 } })
    expect((await server.post(large, report)).status).toBe(400)
  })

  test('tells nothing of what is not valid, or refused before it is read', async () => {
    for (const bad of [
      '{',
      '{ nothing }',
      '{ projects { nodes { id secret } } }',
      `{ ${'__typename '.repeat(1001)} }`,
    ]) {
      expect(await extensionsOf({ query: bad })).toBeUndefined()
    }
    const refusing = await givenServer({ createContext: () => Promise.reject(new Error('no')) })
    const answer = await refusing.post({ query }, report)
    expect(await answer.json()).not.toHaveProperty('extensions')
    await refusing.close()
  })

  test('may be asked for by pages of the origins that may call', async () => {
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'graphql-cost',
    }
    const preflight = await fetch(`${server.url}/graphql`, { method: 'OPTIONS', headers })
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('graphql-cost')
  })

  test('and the limit hold for documents that are known by their hash', async () => {
    const known = await givenServer({ config: { automaticPersistedQueries: true } })
    const persistedQuery = { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') }
    const ask = async (n: number) => {
      const answer = await known.post({ extensions: { persistedQuery }, variables: { n } }, report)
      return (await answer.json()) as object
    }
    await known.post({ query, extensions: { persistedQuery } })
    expect(await ask(9)).toMatchObject({ extensions: { cost: { requested: 10 } } })
    expect(await ask(6000)).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_TOO_LARGE', limit: 'cost' } }] })
    await known.close()
  })
})
