import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import { buildSchema } from 'graphql'
import { expect, test } from '@jest/globals'
import { handVariables } from '../../src/access/guard.ts'
import { preparedExecution } from '../../src/http/prepared-execution.ts'
import { alike, ask, askEach, late, sdl, throwing, type Resolver } from './given-execution.ts'

test('a text cannot pass for what another operation skips', async () => {
  const query = `
    query First($a: Boolean!) { number @skip(if: $a) }
    query Asked($a: String, $b: Boolean!, $c: String) { a: hello(name: $a) @skip(if: $b) c: hello(name: $c) }
    query Last($c: Boolean!) { number @skip(if: $c) }`
  const shown = { a: 'x,true,y', b: false, c: 'z' }
  const skipped = { a: 'x', b: true, c: 'y,false,z' }
  const answers = await askEach(
    query,
    [shown, shown, skipped, skipped].map((variables) => ['Asked', variables]),
  )
  expect(answers).toEqual([
    { a: 'x,true,y', c: 'z' },
    { a: 'x,true,y', c: 'z' },
    { c: 'y,false,z' },
    { c: 'y,false,z' },
  ])
})

test('a list of values that are all wrong is given up at the first', async () => {
  let read = 0
  const names = new Proxy(Array(20_000).fill(1), {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) read += 1
      return Reflect.get(target, key) as unknown
    },
  })
  await askEach('query Q($names: [String!]!) { many(names: $names) }', [
    ['Q', { names }],
    ['Q', { names }],
  ])
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThan(2_000)
})

test.each([
  ['doubles at each level', (level: number) => `a: self { ...f${level} } b: self { ...f${level} }`],
  [
    'stands in more and more places',
    (level: number) => `a: self { ...f${level} } b: self { a: self { ...f${level} } }`,
  ],
])('a query that %s is left to graphql-js, which looks only at what is there', async (_, below) => {
  const levels = Array.from({ length: 20 }, (_, at) => `fragment f${at} on Thing { ${at < 19 ? below(at + 1) : 'id'} }`)
  const { by, answers } = await ask(`{ hello things { ...f0 } } ${levels.join(' ')}`, { 'Query.things': () => [] })
  expect(by).toEqual(Array(3).fill('graphql-js'))
  expect(answers).toEqual(Array(3).fill({ data: { hello: expect.any(String), things: [] } }))
})

test('what is denied in part is left to graphql-js', async () => {
  const schema = buildSchema(sdl)
  const by: boolean[] = []
  schema.getQueryType()!.getFields().hello!.resolve = () => void by.push(new Error().stack!.includes('src/execution/'))
  const denying: ApolloServerPlugin = {
    requestDidStart: async () => ({
      responseForOperation: async ({ contextValue, operation }) => {
        handVariables(contextValue, operation, {})
        return null
      },
    }),
  }
  const apollo = new ApolloServer({ schema, plugins: [denying, preparedExecution(schema)] })
  await apollo.start()
  for (let time = 0; time < 3; time += 1) await apollo.executeOperation({ query: '{ hello }' }, { contextValue: {} })
  await apollo.stop()
  expect(by).toEqual([false, false, false])
})

test('of promises that fail after something else did nothing is left that would end the process', async () => {
  const unheard: unknown[] = []
  const hear = (error: unknown) => void unheard.push(error)
  process.on('unhandledRejection', hear)
  try {
    const { answers } = await ask('{ hello loose { id } }', {
      'Query.loose': () => [new Error('first'), late(null).then(() => Promise.reject(new Error('later')))],
    })
    expect(answers).toEqual(alike(answers))
    await late(null)
    expect(unheard).toEqual([])
  } finally {
    process.off('unhandledRejection', hear)
  }
})

test.each<[string, Resolver]>([
  [
    'a promise that cannot be waited for',
    () => Object.defineProperty(Promise.resolve('x'), 'constructor', { get: () => throwing.any }),
  ],
])('with %s an answer comes all the same', async (_, value) => {
  const { answers } = await ask('{ hello value }', { 'Query.value': value })
  expect(answers).toEqual(alike(answers))
})

test('a function as an object shows its properties', async () => {
  const { answers } = await ask('{ hello things { id name } }', {
    'Query.things': () => [Object.assign(() => 1, { id: 7 })],
  })
  expect(answers).toEqual(alike(answers))
  expect(answers[0]).toMatchObject({ data: { things: [{ id: '7' }] } })
})
