import { ApolloServer } from '@apollo/server'
import { buildSchema, parse, print } from 'graphql'
import { expect, test } from '@jest/globals'
import { compiledExecution } from '../../src/http/compiled-execution.ts'

/** Asks a server several times; how often each field's resolver was told that graphql-js calls it. */
async function askedBy(query: string, times: number) {
  const schema = buildSchema('type Query { hello(name: String): String wrong: String } type Mutation { hello: String }')
  const paths: (string | undefined)[] = []
  // Only graphql-js hands on the types that lead to a path.
  const note = (_: unknown, __: unknown, ___: unknown, info: { path: { typename?: string } }) => {
    paths.push('typename' in info.path ? 'graphql-js' : 'compiled')
    return 'hello'
  }
  const { hello, wrong } = schema.getQueryType()!.getFields()
  hello!.resolve = note as never
  wrong!.resolve = () => {
    throw new Error('wrong')
  }
  schema.getMutationType()!.getFields().hello!.resolve = note as never
  const apollo = new ApolloServer({ schema, plugins: [compiledExecution(schema)], stopOnTerminationSignals: false })
  await apollo.start()
  const answers: unknown[] = []
  for (let time = 0; time < times; time += 1) {
    const { body } = await apollo.executeOperation({ query })
    answers.push(body.kind === 'single' && body.singleResult)
  }
  await apollo.stop()
  return { paths, answers }
}

test('a query is executed by what was compiled of it from the third time on', async () => {
  const { paths, answers } = await askedBy('{ hello }', 4)
  expect(paths).toEqual(['graphql-js', 'graphql-js', 'compiled', 'compiled'])
  expect(answers).toMatchObject(Array(4).fill({ data: { hello: 'hello' } }))
})

test('a mutation is executed by graphql-js each time, and once each time', async () => {
  expect((await askedBy('mutation { hello }', 4)).paths).toEqual(Array(4).fill('graphql-js'))
})

test.each(['{ __proto__: hello }', '{ hello __schema { description } }'])(
  'what may differ is left to graphql-js: %s',
  async (query) => {
    expect((await askedBy(query, 4)).paths).toEqual(Array(4).fill('graphql-js'))
  },
)

test('an answer with an error is that of graphql-js', async () => {
  const { paths, answers } = await askedBy('{ hello wrong }', 3)
  expect(paths).toEqual(['graphql-js', 'graphql-js', 'compiled', 'graphql-js'])
  expect(answers[2]).toEqual(answers[0])
})

test.each([
  `{ hello(name: "\\"}); process.exit(1); //") }`,
  '{ hello(name: "${process.exit(1)}`\\u2028\\u2029") }',
  '{ hello(name: """ */ process.exit(1) /* """) }',
])('a text of a document is never code: %s', async (query) => {
  expect(print(parse(query))).toContain('process.exit')
  const { paths } = await askedBy(query, 4)
  expect(paths.slice(2)).toEqual(['compiled', 'compiled'])
})
