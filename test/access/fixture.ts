import { ApolloServer, HeaderMap, type GraphQLResponse } from '@apollo/server'
import { makeExecutableSchema } from '@graphql-tools/schema'
import { execute, parse, type ExecutionResult, type GraphQLFormattedError } from 'graphql'
import { readFileSync } from 'node:fs'
import { guardSchema, type AccessContext } from '../../src/access/guard.ts'
import { accessPlugin, type AccessPluginOptions } from '../../src/access/plugin.ts'
import { createPolicy, type Policy } from '../../src/access/policy.ts'
import { makePowers, type Powers } from '../../src/access/powers.ts'
import { createScopeRegistry } from '../../src/access/scopes.ts'

export const registry = createScopeRegistry({
  'read:projects': 'VIEWER',
  'read:gateways': 'VIEWER',
  'read:secrets': 'VIEWER',
  'write:projects': 'DEVELOPER',
  'write:gateways': 'DEVELOPER',
  'delete:projects': 'ADMIN',
})

const user = (role: 'VIEWER' | 'DEVELOPER' | 'ADMIN') => makePowers('USER', role, registry.grantsOf(role), registry)

/** One principal of every kind; null is an anonymous caller. */
export const principals = {
  anonymous: null,
  nobody: makePowers('USER', null, [], registry),
  viewer: user('VIEWER'),
  developer: user('DEVELOPER'),
  admin: user('ADMIN'),
  operator: makePowers('OPERATOR', null, [], registry),
  readKey: makePowers('API_KEY', null, ['read:*'], registry),
  projectKey: makePowers('API_KEY', null, ['read:projects'], registry),
  fullKey: makePowers('API_KEY', null, ['*:*'], registry),
  external: makePowers('EXTERNAL', null, ['read:projects'], registry),
} satisfies Record<string, Powers | null>
export type PrincipalName = keyof typeof principals
export const principalNames = Object.keys(principals) as PrincipalName[]

/** The language as it is served, with the types that its directives name. */
export const accessSdl = `
  ${readFileSync(new URL('../../schema/directives.graphql', import.meta.url), 'utf8')}
  scalar Scope
  enum PrincipalKind { USER OPERATOR API_KEY EXTERNAL }
  enum Role { VIEWER DEVELOPER ADMIN }
`

type Resolvers = Parameters<typeof makeExecutableSchema>[0]['resolvers']

export function policyOf(sdl: string, resolvers: Resolvers = {}): Policy {
  const schema = makeExecutableSchema({ typeDefs: accessSdl + sdl, resolvers })
  return createPolicy(schema, registry)
}

export interface Answer {
  readonly status: number | undefined
  readonly headers: HeaderMap
  readonly data: unknown
  readonly errors: readonly GraphQLFormattedError[]
}

export interface Asked {
  readonly as?: PrincipalName
  readonly variables?: Record<string, unknown>
  readonly headers?: Record<string, string>
  readonly operationName?: string
}

/** Serves a schema the way the server does: the plugin in front, the guards in the schema. */
export function serve(
  sdl: string,
  resolvers: Resolvers = {},
  options: Partial<AccessPluginOptions<AccessContext>> = {},
) {
  const policy = policyOf(sdl, resolvers)
  const server = new ApolloServer<AccessContext>({
    schema: guardSchema(policy.schema, policy),
    plugins: [accessPlugin({ policy, mode: 'partial', ...options })],
    includeStacktraceInErrorResponses: false,
  })
  return async (query: string, asked: Asked = {}): Promise<Answer> => {
    const headers = new HeaderMap(Object.entries(asked.headers ?? {}))
    const response = await server.executeOperation(
      {
        query,
        ...(asked.variables ? { variables: asked.variables } : {}),
        ...(asked.operationName ? { operationName: asked.operationName } : {}),
        http: { method: 'POST', headers, search: '', body: '' },
      },
      { contextValue: contextOf(asked.as ?? 'anonymous') },
    )
    return answerOf(response)
  }
}

/** Executes a guarded schema with graphql-js alone: no plugin, no plan. */
export function bare(sdl: string, resolvers: Resolvers = {}) {
  const policy = policyOf(sdl, resolvers)
  const schema = guardSchema(policy.schema, policy)
  return async (query: string, asked: Asked = {}): Promise<ExecutionResult> =>
    execute({
      schema,
      document: parse(query),
      contextValue: contextOf(asked.as ?? 'anonymous'),
      ...(asked.variables ? { variableValues: asked.variables } : {}),
    })
}

export function contextOf(name: PrincipalName): AccessContext {
  const powers = principals[name]
  return { principal: powers === null ? null : { powers } }
}

/** `path: CODE` of each error, the indexes of lists included. */
export function told(answer: { readonly errors?: readonly Told[] | undefined }): string[] {
  return (answer.errors ?? []).map(({ path, extensions }) => `${(path ?? []).join('.')}: ${String(extensions?.code)}`)
}

interface Told {
  readonly path?: readonly (string | number)[] | undefined
  readonly extensions?: Record<string, unknown> | undefined
}

function answerOf(response: GraphQLResponse): Answer {
  if (response.body.kind !== 'single') throw new Error('unexpected incremental response')
  const { data, errors } = response.body.singleResult
  return { status: response.http.status, headers: response.http.headers, data, errors: errors ?? [] }
}
