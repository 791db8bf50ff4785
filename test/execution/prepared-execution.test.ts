import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled'
import { buildSchema } from 'graphql'
import { expect, test } from '@jest/globals'
import { preparedExecution } from '../../src/http/prepared-execution.ts'
import { alike, ask, late, sdl, throwing, type Resolver } from './given-execution.ts'

test('a query is executed as it was prepared from the second time on', async () => {
  const { by, answers } = await ask('{ hello }')
  expect(by).toEqual(['graphql-js', 'prepared', 'prepared'])
  expect(answers).toEqual(Array(3).fill({ data: { hello: 'hello {"name":"you"}' } }))
})

test('a mutation is executed by graphql-js each time, and once each time', async () => {
  expect((await ask('mutation { hello }')).by).toEqual(Array(3).fill('graphql-js'))
})

test.each(['{ __proto__: hello }', '{ hello __schema { description } }', '{ hello __type(name: "Query") { name } }'])(
  'what may differ is left to graphql-js: %s',
  async (query) => {
    const { by, answers } = await ask(query)
    expect(by).toEqual(Array(3).fill('graphql-js'))
    expect(answers).toEqual(alike(answers))
  },
)

test('resolvers are told the same as graphql-js tells them', async () => {
  const { infos } = await ask(
    'query Q($n: String) { a: hello(name: $n) ...f } fragment f on Query { a: hello(name: $n) }',
  )
  expect(Object.keys(infos[1]!)).toEqual(Object.keys(infos[0]!))
  expect(infos[1]).toEqual(infos[0])
})

// Each leaves graphql-js to answer; nothing may be left behind that ends the process, or is waited for without an end.
test.each<[string, string, Resolver]>([
  [
    'is thrown',
    '{ hello value }',
    () => {
      throw new Error('wrong')
    },
  ],
  [
    'is rejected',
    '{ hello value }',
    async () => {
      throw new Error('wrong')
    },
  ],
  [
    'is thrown and throws when it is read',
    '{ hello value }',
    () => {
      throw throwing
    },
  ],
  [
    'is rejected and throws when it is read',
    '{ hello value }',
    async () => {
      throw throwing
    },
  ],
  ['throws when it is read', '{ hello value }', () => throwing],
  ['is promised, and throws when it is read', '{ hello value }', async () => ({ toString: () => throwing.any })],
  ['is an error', '{ hello value }', () => new Error('returned')],
  ['is promised, and an error', '{ hello value }', async () => new Error('returned')],
  ['is no text', '{ hello value }', () => ({ no: 'text' })],
  ['is a thenable whose then throws', '{ hello value }', () => ({ then: () => throwing.any })],
])('what %s is told by graphql-js', async (_, query, value) => {
  const { by, answers } = await ask(query, { 'Query.value': value })
  expect(by).toContain('prepared')
  expect(by.filter((who) => who === 'graphql-js')).toHaveLength(3)
  expect(answers[0]).toHaveProperty('errors')
  expect(answers).toEqual(alike(answers))
})

const broken = [
  { id: '1', name: 'a' },
  { id: null, name: 'b' },
]

test.each<[string, string, Record<string, Resolver>]>([
  ['null where it must not be', '{ hello must }', { 'Query.must': () => null }],
  ['a number too large', '{ hello number }', { 'Query.number': () => 2 ** 40 }],
  ['a list that is none', '{ hello things { id } }', { 'Query.things': () => 'things' }],
  ['null in a list', '{ hello things { id } }', { 'Query.things': () => [null] }],
  ['null below a list', '{ hello things { id name } }', { 'Query.things': () => late(broken) }],
  ['a failed item', '{ hello things { id } }', { 'Query.things': () => [Promise.reject(new Error('item'))] }],
  [
    'a failed and a late item',
    '{ hello things { id } }',
    { 'Query.things': () => [Promise.reject(new Error('item')), late({ id: 2 })] },
  ],
  ['no type', '{ hello animal(kind: "x") { name } }', { 'Query.animal': () => ({ name: 'a' }) }],
  [
    'a type that is none',
    '{ hello animal(kind: "x") { name } }',
    { 'Query.animal': () => ({ __typename: 'Unicorn' }) },
  ],
  [
    'a type that does not belong',
    '{ hello animal(kind: "x") { name } }',
    { 'Query.animal': () => ({ __typename: 'Stone' }) },
  ],
])('%s is told by graphql-js', async (_, query, resolvers) => {
  const { by, answers } = await ask(query, resolvers)
  expect(by).toContain('prepared')
  expect(answers).toMatchObject(Array(3).fill({ errors: [{ path: expect.any(Array) }] }))
  expect(answers).toEqual(alike(answers))
})

class Thing {
  readonly id: string
  constructor(id: string) {
    this.id = id
  }
  name() {
    return late(`thing ${this.id}`)
  }
  get size() {
    return Number(this.id)
  }
  self() {
    return this
  }
}

test.each<[string, string, Record<string, Resolver>, object]>([
  [
    'methods, getters and promises',
    '{ things { id name size self { id name } } hello }',
    { 'Query.things': () => late([new Thing('1'), late(new Thing('2'))]) },
    {},
  ],
  ['nothing', '{ things { id } animal(kind: "x") { name } hello }', {}, {}],
  ['an iterable', '{ hello things { id } }', { 'Query.things': () => new Set([{ id: 1 }]) }, {}],
  [
    'numbers as ids',
    '{ things { id name } hello }',
    {
      'Query.things': () => [
        { id: 1, name: 2 },
        { id: 2, name: true },
      ],
    },
    {},
  ],
  [
    'an abstract type',
    '{ a: animal(kind: "Cat") { name ...c ... on Dog { owner { id } } } b: animal(kind: "Dog") { name ...c ... on Dog { owner { id __typename } } } hello } fragment c on Cat { lives }',
    { 'Query.animal': (_, { kind }) => late({ __typename: kind, name: 'a', lives: 9, owner: { id: 1 } }) },
    {},
  ],
  ['objects in arguments', '{ hello(to: { name: "x" }) }', {}, {}],
  [
    'variables in arguments',
    'query ($n: String, $w: Who) { hello(name: $n, to: $w) x: hello(to: { name: $n }) }',
    {},
    { n: 'x', w: { name: 'y' } },
  ],
  ['order', '{ z: hello things { name id } a: hello }', { 'Query.things': () => late([{ name: 'b', id: 1 }]) }, {}],
])('with %s a query is answered alike each time', async (_, query, resolvers, variables) => {
  const { by, answers } = await ask(query, resolvers, variables)
  expect(by).toContain('prepared')
  expect(answers.map((answer) => JSON.stringify(answer))).toEqual(answers.map(() => JSON.stringify(answers[0])))
  expect(answers[0]).not.toHaveProperty('errors')
})

test('arguments of one execution cannot be changed for the next one', async () => {
  const { answers } = await ask('{ value: hello(name: "a") }', {
    'Query.hello': (_source, args) => {
      const before = String(args.name)
      args.name = 'changed'
      return before
    },
  })
  expect(answers).toEqual(Array(3).fill({ data: { value: 'a' } }))
})

test.each([
  [{ yes: true }, { data: { hello: expect.any(String) } }],
  [{ yes: false }, { data: { things: null } }],
  [{}, { data: { hello: expect.any(String) } }],
  [{ yes: null }, { errors: [{ message: expect.stringContaining('Boolean!') }] }],
])('what %j skips is left out, whatever was asked before', async (variables, expected) => {
  const query = 'query ($yes: Boolean = true) { hello @include(if: $yes) things @skip(if: $yes) { id } }'
  const { answers } = await ask(query, {}, variables)
  expect(answers).toMatchObject(Array(3).fill(expected))
})

test('a request of one way is not answered with what was prepared for another one', async () => {
  const query = 'query ($a: Boolean!, $b: Boolean!) { hello @include(if: $a) again: hello @include(if: $b) number }'
  const schema = buildSchema(sdl)
  const apollo = new ApolloServer({
    schema,
    plugins: [ApolloServerPluginCacheControlDisabled(), preparedExecution(schema)],
    stopOnTerminationSignals: false,
  })
  await apollo.start()
  const ways = [0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3].map((way) => ({ a: way > 1, b: way % 2 === 1 }))
  for (const variables of ways) {
    const { body } = await apollo.executeOperation({ query, variables })
    const keys = body.kind === 'single' ? Object.keys(body.singleResult.data ?? {}) : []
    expect(keys).toEqual([...(variables.a ? ['hello'] : []), ...(variables.b ? ['again'] : []), 'number'])
  }
  await apollo.stop()
})
