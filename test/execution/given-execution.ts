import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled'
import { buildSchema, type GraphQLResolveInfo, type GraphQLSchema } from 'graphql'
import { preparedExecution } from '../../src/http/prepared-execution.ts'

export const sdl = `
  type Query {
    hello(name: String = "you", to: Who): String
    things(first: Int): [Thing!]
    loose: [Thing]
    many(names: [String!]): String
    animal(kind: String!): Animal
    value: String
    number: Int
    must: String!
  }
  input Who { name: String }
  type Mutation { hello: String }
  type Thing { id: ID! name: String size: Int self: Thing after(ms: Int): String }
  interface Animal { name: String }
  type Cat implements Animal { name: String lives: Int }
  type Dog implements Animal { name: String owner: Thing }
  type Stone { name: String }
`

export type Resolver = (
  source: never,
  args: Record<string, unknown>,
  context: unknown,
  info: GraphQLResolveInfo,
) => unknown

interface Asked {
  query: string
  operationName?: string
  variables: object
}

/** What a server answers, asked one after another; without the stacks of its errors. */
async function answersOf(schema: GraphQLSchema, asked: readonly Asked[]): Promise<{ data?: unknown }[]> {
  const apollo = new ApolloServer({
    schema,
    plugins: [ApolloServerPluginCacheControlDisabled(), preparedExecution(schema)],
    stopOnTerminationSignals: false,
  })
  await apollo.start()
  const answers: { data?: unknown }[] = []
  for (const request of asked) {
    const { body } = await apollo.executeOperation(request as never)
    const text = JSON.stringify(body.kind === 'single' && body.singleResult)
    answers.push(JSON.parse(text.replace(/"stacktrace":\[[^\]]*\]/g, '"stacktrace":[]')) as { data?: unknown })
  }
  await apollo.stop()
  return answers
}

/** Asks a server several times. `by` is who has called the resolver of `hello` each time. */
export async function ask(query: string, resolvers: Record<string, Resolver> = {}, variables = {}, times = 3) {
  const schema = buildSchema(sdl)
  const by: string[] = []
  const infos: GraphQLResolveInfo[] = []
  const all: Record<string, Resolver> = {
    'Query.hello': (_source, args, _context, info) => {
      by.push(new Error().stack?.includes('src/execution/') ? 'prepared' : 'graphql-js')
      infos.push(info)
      return `hello ${JSON.stringify(args)}`
    },
    'Mutation.hello': () => {
      by.push(new Error().stack?.includes('src/execution/') ? 'prepared' : 'graphql-js')
      return 'hello'
    },
    ...resolvers,
  }
  for (const [coordinate, resolve] of Object.entries(all)) {
    const [type, field] = coordinate.split('.')
    const definition = schema.getType(type!) as unknown as { getFields(): Record<string, { resolve: unknown }> }
    definition.getFields()[field!]!.resolve = resolve
  }
  const answers = await answersOf(schema, Array<Asked>(times).fill({ query, variables }))
  return { by, infos, answers }
}

/** The first answer, as often as there are answers. */
export const alike = (answers: readonly unknown[]) => answers.map(() => answers[0])

/** Whatever is read of it throws. */
export const throwing = new Proxy(Object.create(null), {
  get: () => {
    throw new Error('read')
  },
})

/** A promise of it, for later. */
export const late = async <Value>(value: Value): Promise<Value> => {
  await new Promise((resolve) => setTimeout(resolve, 5))
  return value
}

/** Asks several operations of one document, each with its variables. */
export async function askEach(query: string, asked: readonly [operationName: string, variables: object][]) {
  const schema = buildSchema(sdl)
  schema.getQueryType()!.getFields().hello!.resolve = (_, { name }) => String(name)
  const answers = await answersOf(
    schema,
    asked.map(([operationName, variables]) => ({ query, operationName, variables })),
  )
  return answers.map(({ data = null }) => data)
}
