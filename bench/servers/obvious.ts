import { createHmac } from 'node:crypto'
import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import { makeExecutableSchema } from '@graphql-tools/schema'
import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils'
import { defineEntity, MikroORM, p, type SqlEntityManager } from '@mikro-orm/postgresql'
import DataLoader from 'dataloader'
import express, { type Request } from 'express'
import { defaultFieldResolver, GraphQLScalarType, type GraphQLSchema } from 'graphql'
import jsonwebtoken from 'jsonwebtoken'

/** What the documentation of each of its parts shows, put together: nothing is tuned, and nothing is made slow. */

const { DATABASE_URL = '', JWT_SECRET = '', API_KEY_HASH_KEY = '', HOST = '127.0.0.1', PORT } = process.env

const tenantOwned = {
  filters: {
    tenant: {
      name: 'tenant',
      cond: ({ organizationId }: Record<string, string>) => ({ organizationId }),
      default: true,
    },
  },
}
const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    email: p.text(),
    firstName: p.text().nullable(),
    lastName: p.text().nullable(),
    createdAt: p.datetime(),
    deletedAt: p.datetime().nullable(),
  },
})
const Project = defineEntity({
  name: 'Project',
  tableName: 'projects',
  ...tenantOwned,
  properties: {
    id: p.uuid().primary(),
    organizationId: p.uuid(),
    name: p.text(),
    description: p.text().nullable(),
    createdAt: p.datetime(),
    deletedAt: p.datetime().nullable(),
  },
})
const Gateway = defineEntity({
  name: 'Gateway',
  tableName: 'gateways',
  ...tenantOwned,
  properties: {
    id: p.uuid().primary(),
    organizationId: p.uuid(),
    project: () => p.manyToOne(Project),
    name: p.text(),
    deletedAt: p.datetime().nullable(),
  },
})
const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  ...tenantOwned,
  properties: {
    id: p.uuid().primary(),
    organizationId: p.uuid(),
    keyHash: p.text(),
    scopes: p.json<string[]>(),
    expiresAt: p.datetime().nullable(),
    deactivatedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
})

const typeDefs = `
  directive @auth on FIELD_DEFINITION
  scalar DateTime

  type Query {
    me: User @auth
    projects(first: Int = 50, after: String): ProjectConnection! @auth
    principal: Principal @auth
  }
  type User { id: ID! email: String! firstName: String lastName: String createdAt: DateTime! }
  type ProjectConnection { nodes: [Project!]! }
  type Project { id: ID! name: String! createdAt: DateTime! gateways: GatewayConnection! @auth }
  type GatewayConnection { nodes: [Gateway!]! }
  type Gateway { id: ID! name: String! }
  type Principal { kind: String! subject: ID! scopes: [String!]! }
`

interface Principal {
  kind: 'USER' | 'API_KEY'
  subject: string
  organizationId: string
  scopes: string[]
}
interface Context {
  principal: Principal | null
  em: SqlEntityManager
  gateways: DataLoader<string, { id: string; name: string }[]>
}
interface Claims {
  sub: string
  organization: string
  scope: string
}

const resolvers = {
  DateTime: new GraphQLScalarType<Date, string>({
    name: 'DateTime',
    serialize: (value) => (value as Date).toISOString(),
  }),
  Query: {
    me: (_: unknown, _args: unknown, { em, principal }: Context) =>
      em.findOne(User, { id: principal?.subject ?? '', deletedAt: null }),
    async projects(_: unknown, { first, after }: { first: number; after?: string | null }, { em }: Context) {
      const where = { deletedAt: null, ...(after && { id: { $gt: after } }) }
      return { nodes: await em.find(Project, where, { orderBy: { id: 'asc' }, limit: first }) }
    },
    principal: (_: unknown, _args: unknown, { principal }: Context) => principal,
  },
  Project: {
    gateways: async ({ id }: { id: string }, _args: unknown, { gateways }: Context) => ({
      nodes: await gateways.load(id),
    }),
  },
}

/** The directive as its documentation has it: the resolvers of the fields that carry it ask first. */
function withAuth(schema: GraphQLSchema): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.OBJECT_FIELD]: (field) => {
      if (!getDirective(schema, field, 'auth')?.[0]) return field
      const { resolve = defaultFieldResolver } = field
      field.resolve = (source: unknown, args: Record<string, unknown>, context: Context, info) => {
        if (!context.principal) throw new Error('Not signed in')
        return resolve(source, args, context, info)
      }
      return field
    },
  })
}

async function principalOf({ headers }: Request, em: SqlEntityManager): Promise<Principal | null> {
  const { authorization, 'x-api-key': secret } = headers
  if (typeof secret === 'string') {
    const keyHash = createHmac('sha256', API_KEY_HASH_KEY).update(secret).digest('base64url')
    const isGood = {
      revokedAt: null,
      deactivatedAt: null,
      $or: [{ expiresAt: null }, { expiresAt: { $gt: new Date() } }],
    }
    const key = await em.findOne(ApiKey, { keyHash, ...isGood }, { filters: { tenant: false } })
    return key && { kind: 'API_KEY', subject: key.id, organizationId: key.organizationId, scopes: key.scopes }
  }
  if (!authorization) return null
  const options = { algorithms: ['HS256' as const], issuer: 'tenantry', audience: 'tenantry' }
  const claims = jsonwebtoken.verify(authorization.slice(7), JWT_SECRET, options) as unknown as Claims
  const { sub, organization, scope } = claims
  return { kind: 'USER', subject: sub, organizationId: organization, scopes: scope.split(' ') }
}

function gatewaysLoader(em: SqlEntityManager): Context['gateways'] {
  return new DataLoader(async (ids) => {
    const found = await em.find(Gateway, { project: { $in: [...ids] }, deletedAt: null }, { orderBy: { id: 'asc' } })
    const byProject = Map.groupBy(found, ({ project }) => project.id)
    return ids.map((id) => byProject.get(id) ?? [])
  })
}

const orm = await MikroORM.init({
  entities: [User, Project, Gateway, ApiKey],
  clientUrl: DATABASE_URL,
  pool: { max: 10 },
  forceUtcTimezone: true,
})
const apollo = new ApolloServer<Context>({
  schema: withAuth(makeExecutableSchema({ typeDefs, resolvers })),
})
await apollo.start()
const context = async ({ req }: { req: Request }): Promise<Context> => {
  const em = orm.em.fork()
  const principal = await principalOf(req, em)
  if (principal) em.setFilterParams('tenant', { organizationId: principal.organizationId })
  return { principal, em, gateways: gatewaysLoader(em) }
}
express().use('/graphql', express.json(), expressMiddleware(apollo, { context })).listen(Number(PORT), HOST)
