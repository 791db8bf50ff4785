import { createSecretKey } from 'node:crypto'
import { createServer } from 'node:http'
import jsonwebtoken from 'jsonwebtoken'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'

const { DATABASE_URL = '', JWT_SECRET = '', HOST, PORT } = process.env
const tokenKey = createSecretKey(Buffer.from(JWT_SECRET))

/** The role that our migrations have made, and the tenant that their policies ask for. */
function settingsOf(authorization: string | undefined): Record<string, string> {
  const options = { algorithms: ['HS256' as const], issuer: 'tenantry', audience: 'tenantry' }
  const claims = jsonwebtoken.verify(authorization?.slice(7) ?? '', tokenKey, options) as { organization: string }
  return { role: 'tenantry_server', 'mikro.tenant.organizationId': claims.organization }
}

const preset: GraphileConfig.Preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: DATABASE_URL, schemas: ['public'], poolConfig: { max: 10 } })],
  gather: { installWatchFixtures: false },
  grafast: { explain: false, context: ({ node }) => ({ pgSettings: settingsOf(node?.req.headers.authorization) }) },
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
}

const server = createServer()
await postgraphile(preset).createServ(grafserv).addTo(server)
server.listen(Number(PORT), HOST)
