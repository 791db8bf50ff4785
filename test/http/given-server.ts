import { makeExecutableSchema } from '@graphql-tools/schema'
import type { ApolloServerPlugin } from '@apollo/server'
import type { FastifyInstance } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { forbidden, notFound, rateLimited, unauthenticated } from '../../src/errors.ts'
import type { HttpConfig } from '../../src/http/config.ts'
import { createLogger } from '../../src/http/log.ts'
import type { RequestFacts } from '../../src/http/request.ts'
import { createHttpServer, type HttpServerOptions } from '../../src/http/server.ts'

export interface TestContext {
  facts: RequestFacts
}

const pages = (...names: string[]) =>
  `@listSize(slicingArguments: ${JSON.stringify(names)}, sizedFields: ["edges", "nodes"])`

const typeDefs = `
  directive @cost(weight: String!) on OBJECT | FIELD_DEFINITION | SCALAR | ENUM
  directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!]) on FIELD_DEFINITION
  type Query {
    hello(name: String): String!
    echo(input: EchoInput, list: [Int!], role: Role): String
    upper(text: String! = "a"): String
    facts: String!
    thrown(kind: String!): String
    thrownHard(kind: String!): String!
    slow(ms: Int!): String
    secret: String
    projects(first: Int, last: Int): ProjectConnection ${pages('first', 'last')}
    project(id: ID!): Project
    owner: Owner
    all: [Project!]
  }
  type Mutation { touch: Int! signIn: String! }
  enum Role { ADMIN VIEWER }
  input EchoInput { email: String! password: String! age: Int nested: [EchoInput!] }
  type ProjectConnection { edges: [ProjectEdge!]! nodes: [Project!]! pageInfo: PageInfo! totalCount: Int! }
  type PageInfo { hasNextPage: Boolean! }
  type ProjectEdge @cost(weight: "0") { node: Project! }
  interface Node { id: ID! }
  type Project implements Node { id: ID! name: String! parent: Project children(first: Int = 5): ProjectConnection ${pages('first')} all: [Project!] }
  type User { name: String! projects(first: Int): ProjectConnection ${pages('first')} }
  union Owner = User | Project
`

const circular: Record<string, unknown> = {}
circular.self = circular

/** Things that resolvers of all sorts throw, by name. */
export const throwables: Record<string, () => unknown> = {
  null: () => null,
  undefined: () => undefined,
  string: () => 'password=hunter2',
  number: () => 42,
  symbol: () => Symbol('hunter2'),
  plain: () => ({ message: 'hunter2', extensions: { code: 'BAD_REQUEST' } }),
  bare: () => Object.create(null) as unknown,
  circular: () => circular,
  frozen: () => Object.freeze(new Error('hunter2')),
  sql: () => new Error("select * from users where password = 'hunter2' - relation does not exist at /srv/app.ts"),
  coded: () => Object.assign(new Error('hunter2'), { extensions: { code: 'BAD_USER_INPUT', hunter2: 'hunter2' } }),
  getter: () =>
    Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('hunter2')
      },
    }),
  proxy: () =>
    new Proxy(new Error('x'), {
      get() {
        throw new Error('hunter2')
      },
    }),
}

const apiErrors: Record<string, () => unknown> = {
  UNAUTHENTICATED: () => unauthenticated('MISSING', 'Sign in first'),
  EXPIRED: () => unauthenticated('EXPIRED', 'The token has expired'),
  FORBIDDEN: () => forbidden('INSUFFICIENT_SCOPE', 'Not allowed', { required: ['read:x'], missing: ['read:x'] }),
  RATE_LIMITED: () => rateLimited(7),
  NOT_FOUND: () => notFound('Project'),
}

const coded = (code: string) => () => Object.assign(new Error(`hunter2 of ${code}`), { code })

/** What a database that cannot serve makes drivers throw, by name. */
export const outages: Record<string, () => unknown> = {
  refused: coded('ECONNREFUSED'),
  reset: coded('ECONNRESET'),
  shutdown: coded('57P01'),
  starting: coded('57P03'),
  diskFull: coded('53100'),
  tooManyConnections: coded('53300'),
  readOnly: coded('25006'),
  conflict: coded('40001'),
  deadlock: coded('40P01'),
  broken: () => new Error('Connection terminated unexpectedly'),
  exhausted: () => new Error('timeout exceeded when trying to connect'),
}

function fail(kind: string): never {
  const make = apiErrors[kind] ?? outages[kind] ?? throwables[kind]
  throw make?.()
}

const project = { id: '1', name: 'One' }
const connection = { nodes: [project], edges: [{ node: project }], pageInfo: { hasNextPage: false }, totalCount: 1 }

/** How often the mutation `touch` ran. */
export const touched = { times: 0 }

export const testSchema: GraphQLSchema = makeExecutableSchema({
  typeDefs,
  resolvers: {
    Query: {
      hello: (_: unknown, { name }: { name?: string }) => `Hello ${name ?? 'you'}`,
      echo: (_: unknown, args: object) => JSON.stringify(args),
      upper: (_: unknown, { text }: { text: string }) => text.toUpperCase(),
      facts: (_: unknown, __: unknown, { facts }: TestContext) =>
        JSON.stringify({ requestId: facts.requestId, ipAddress: facts.ipAddress, userAgent: facts.userAgent }),
      thrown: (_: unknown, { kind }: { kind: string }) => fail(kind),
      thrownHard: (_: unknown, { kind }: { kind: string }) => fail(kind),
      slow: async (_: unknown, { ms }: { ms: number }, { facts }: TestContext) => {
        await new Promise((resolve) => setTimeout(resolve, ms).unref())
        return facts.deadline.aborted ? 'aborted' : 'done'
      },
      projects: () => connection,
      project: () => project,
      owner: () => ({ __typename: 'Project', ...project }),
      all: () => [project],
    },
    Mutation: { touch: () => (touched.times += 1), signIn: () => fail('EXPIRED') },
    Node: { __resolveType: () => 'Project' },
    Project: { parent: () => project, children: () => connection, all: () => [project] },
  },
})

export const testConfig: HttpConfig = {
  production: false,
  corsOrigins: ['https://app.example'],
  bodyLimitBytes: 100 * 1024,
  requestTimeoutMs: 30_000,
  trustProxyHops: 0,
  introspection: true,
  graphiql: true,
  sandbox: true,
  trustedDocuments: 'off',
  automaticPersistedQueries: false,
  limits: {
    maxTokens: 1000,
    maxDepth: 12,
    maxAliases: 15,
    maxRootFields: 10,
    maxDirectives: 50,
    maxCost: 5000,
    pageSizeDefault: 50,
    pageSizeMax: 100,
    timeoutMs: 10_000,
  },
  pressure: { maxInFlight: 1_000, maxEventLoopDelayMs: 60_000 },
}

export interface GivenServer {
  app: FastifyInstance
  url: string
  /** The lines that the server has logged, parsed. */
  lines: () => Record<string, unknown>[]
  /** All that the server has logged, as it was written. */
  logged: () => string
  /** Sends a GraphQL request. */
  post: (body: unknown, headers?: Record<string, string>) => Promise<Response>
  close: () => Promise<void>
}

type Given = Partial<Omit<HttpServerOptions<TestContext>, 'config' | 'plugins'>> & {
  config?: Partial<HttpConfig>
  plugins?: ApolloServerPlugin<TestContext>[]
}

/** A server on a free port, of the schema above. */
export async function givenServer(given: Given = {}): Promise<GivenServer> {
  const written: string[] = []
  const log = createLogger('info', { write: (line) => void written.push(line) })
  const app = await createHttpServer<TestContext>({
    log,
    schema: testSchema,
    createContext: (facts) => ({ facts }),
    plugins: [],
    countRefused: async () => {},
    readiness: async () => ({ database: 'ok' }),
    oauth: null,
    jwks: () => ({ keys: [] }),
    ...given,
    config: { ...testConfig, ...given.config },
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    app,
    url,
    logged: () => written.join(''),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    post: (body, headers = {}) =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    close: async () => {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

export interface Answer {
  data?: Record<string, unknown> | null
  errors?: { message: string; path?: unknown; extensions: Record<string, unknown> & { code: string } }[]
}

/** The body of an answer. */
export async function answerOf(response: Response): Promise<Answer> {
  return (await response.json()) as Answer
}
