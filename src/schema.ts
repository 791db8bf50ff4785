import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { addResolversToSchema } from '@graphql-tools/schema'
import { buildASTSchema, concatAST, parse, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql'
import { GraphQLDateTime, GraphQLEmailAddress } from 'graphql-scalars'
import { describeAccess } from './access/describe.ts'
import { guardSchema } from './access/guard.ts'
import { createPolicy, type Policy } from './access/policy.ts'
import { ScopeScalar } from './access/scope-scalar.ts'
import type { ScopeRegistry } from './access/scopes.ts'
import { continueAs, type Context } from './context.ts'
import type { FeatureModule } from './modules.ts'
import { markReaders } from './selection.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/**
 * The SDL of `schema/`. Files are put one after another and not merged: merging unites the arguments of a repeated
 * directive, which would turn "both" into "either".
 */
export function readSdl(): GraphQLSchema {
  const files = globSync('schema/*.graphql', { cwd: root }).sort()
  return buildASTSchema(concatAST(files.map((file) => parse(readFileSync(root + file, 'utf8')))))
}

/** What `XConnection` types have in common: edges, cursors and the total are made only when they are selected. */
function connectionResolvers(schema: GraphQLSchema) {
  const names = Object.keys(schema.getTypeMap()).filter((name) => name.endsWith('Connection'))
  const lazily = {
    edges: (connection: { edges(): unknown }) => connection.edges(),
    totalCount: (connection: { totalCount(): unknown }) => connection.totalCount(),
  }
  const pageInfo = {
    startCursor: (page: { startCursor(): unknown }) => page.startCursor(),
    endCursor: (page: { endCursor(): unknown }) => page.endCursor(),
  }
  return { ...Object.fromEntries(names.map((name) => [name, lazily])), PageInfo: pageInfo }
}

/** Each field of a mutation starts as the caller, whoever the one before it has signed in. */
function startAsCaller(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const resolve = field.resolve as GraphQLFieldResolver<unknown, Context> | undefined
    if (!resolve) continue
    field.resolve = async (source: unknown, args: Record<string, unknown>, ctx: Context, info) => {
      await continueAs(ctx, ctx.caller)
      return resolve(source, args, ctx, info)
    }
  }
}

/**
 * The schema that is served: the SDL, the features' resolvers, and the access rules put into it.
 * @throws Error naming every mistake in the access directives; there is no serving under rules that do not hold.
 */
export function createSchema(
  modules: readonly FeatureModule[],
  registry: ScopeRegistry,
): { schema: GraphQLSchema; policy: Policy } {
  const sdl = readSdl()
  const schema = [
    { DateTime: GraphQLDateTime, EmailAddress: GraphQLEmailAddress, Scope: ScopeScalar },
    connectionResolvers(sdl),
    ...modules.map((module) => module.resolvers),
  ].reduce<GraphQLSchema>(
    (built, resolvers) =>
      addResolversToSchema({ schema: built, resolvers: resolvers as never, updateResolversInPlace: true }),
    sdl,
  )
  assertResolved(schema)
  markReaders(schema, modules)
  const policy = createPolicy(schema, registry)
  guardSchema(schema, policy)
  // Around the guards: they too must see the caller, not who the field before has signed in.
  startAsCaller(schema)
  return { schema: describeAccess(schema, policy), policy }
}

/** @throws Error naming every root field that nothing resolves. */
function assertResolved(schema: GraphQLSchema): void {
  const missing = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.values(type?.getFields() ?? {})
      .filter((field) => !field.resolve)
      .map((field) => `${type?.name ?? ''}.${field.name}`),
  )
  if (missing.length > 0) throw new Error(`Nothing resolves: ${missing.join(', ')}`)
}
