import { createHmac, createSecretKey } from 'node:crypto'
import fastify, { type FastifyPluginAsync } from 'fastify'
import jsonwebtoken from 'jsonwebtoken'
import mercurius, { type MercuriusContext, type MercuriusLoaders } from 'mercurius'
import mercuriusAuthModule, { type MercuriusAuthOptions } from 'mercurius-auth'
import { Pool, types } from 'pg'

const { DATABASE_URL, JWT_SECRET = '', API_KEY_HASH_KEY = '', HOST = '127.0.0.1', PORT } = process.env
const pool = new Pool({ connectionString: DATABASE_URL, max: 10 })
const tokenKey = createSecretKey(Buffer.from(JWT_SECRET))
const hashKey = createSecretKey(Buffer.from(API_KEY_HASH_KEY))

types.setTypeParser(types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString())

const schema = `
  directive @auth on FIELD_DEFINITION

  type Query {
    me: User @auth
    projects(first: Int = 50, after: String): ProjectConnection @auth
    principal: Principal @auth
  }
  type User { id: ID! email: String! firstName: String lastName: String createdAt: String! }
  type ProjectConnection { nodes: [Project!]! }
  type Project { id: ID! name: String! createdAt: String! gateways: GatewayConnection @auth }
  type GatewayConnection { nodes: [Gateway!]! }
  type Gateway { id: ID! name: String! }
  type Principal { kind: String! subject: ID! scopes: [String!]! }
`

/** Who is calling, by the token or by the API key. */
interface Identity {
  kind: 'USER' | 'API_KEY'
  subject: string
  organization: string
  scopes: string[]
}
interface Claims {
  sub: string
  organization: string
  scope: string
}
interface Authenticated extends MercuriusContext {
  auth: { identity: Identity | null }
}
const identityOf = (context: MercuriusContext) => (context as Authenticated).auth.identity

async function rowsOf<Row>(name: string, text: string, values: unknown[]): Promise<Row[]> {
  const { rows } = await pool.query({ name, text, values })
  return rows as Row[]
}

async function identityByKey(secret: string): Promise<Identity | null> {
  const hash = createHmac('sha256', hashKey).update(secret).digest('base64url')
  const [key] = await rowsOf<Omit<Identity, 'kind'>>(
    'key',
    `select id as subject, organization_id as organization, scopes from api_keys
     where key_hash = $1 and revoked_at is null and deactivated_at is null and (expires_at is null or expires_at > now())`,
    [hash],
  )
  return key ? { kind: 'API_KEY', ...key } : null
}

function identityByToken(token: string): Identity {
  const options = { algorithms: ['HS256' as const], issuer: 'tenantry', audience: 'tenantry' }
  const { sub, organization, scope } = jsonwebtoken.verify(token, tokenKey, options) as unknown as Claims
  return { kind: 'USER', subject: sub, organization, scopes: scope.split(' ') }
}

const resolvers = {
  Query: {
    async me(_: unknown, _args: unknown, context: MercuriusContext) {
      const [user] = await rowsOf(
        'me',
        `select id, email, first_name as "firstName", last_name as "lastName", created_at as "createdAt"
         from users where id = $1 and deleted_at is null`,
        [identityOf(context)?.subject],
      )
      return user
    },
    async projects(_: unknown, { first, after }: { first: number; after?: string | null }, context: MercuriusContext) {
      const nodes = await rowsOf(
        after ? 'projects after' : 'projects',
        `select id, name, created_at as "createdAt" from projects
         where organization_id = $1 and deleted_at is null ${after ? 'and id > $3' : ''} order by id limit $2`,
        [identityOf(context)?.organization, first, ...(after ? [after] : [])],
      )
      return { nodes }
    },
    principal: (_: unknown, _args: unknown, context: MercuriusContext) => identityOf(context),
  },
}

interface Gateway {
  id: string
  name: string
  projectId: string
}

const loaders: MercuriusLoaders = {
  Project: {
    gateways: {
      async loader(queries: { obj: { id: string } }[], context: MercuriusContext) {
        const ids = queries.map(({ obj }) => obj.id)
        const gateways = await rowsOf<Gateway>(
          'gateways',
          `select id, name, project_id as "projectId" from gateways
           where organization_id = $1 and project_id = any ($2) and deleted_at is null order by id`,
          [identityOf(context)?.organization, ids],
        )
        const byProject = Map.groupBy(gateways, ({ projectId }) => projectId)
        return ids.map((id) => ({ nodes: byProject.get(id) ?? [] }))
      },
      // Rows of a request are not asked for twice; to be cached, each would be written as JSON first.
      opts: { cache: false },
    },
  },
}

// Its types are those of an ES module, and it is none.
const mercuriusAuth = mercuriusAuthModule as unknown as FastifyPluginAsync<MercuriusAuthOptions>

const app = fastify({ logger: false })
await app.register(mercurius, { schema, resolvers, loaders, jit: 1, graphiql: false })
await app.register(mercuriusAuth, {
  authDirective: 'auth',
  async authContext({ reply }: MercuriusContext) {
    const { authorization, 'x-api-key': key } = reply.request.headers
    if (typeof key === 'string') return { identity: await identityByKey(key) }
    return { identity: authorization ? identityByToken(authorization.slice(7)) : null }
  },
  applyPolicy: async (_policy: unknown, _parent: unknown, _args: unknown, context: MercuriusContext) =>
    identityOf(context) !== null,
})
await app.listen({ host: HOST, port: Number(PORT) })
