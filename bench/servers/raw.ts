import { createHmac, createSecretKey } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import jsonwebtoken from 'jsonwebtoken'
import { Pool, types } from 'pg'
import { documents } from '../graphql-calls.ts'

/** What a Node process can do at best: each operation is known by its text, and written out by hand. */

const { DATABASE_URL, JWT_SECRET = '', API_KEY_HASH_KEY = '', HOST, PORT } = process.env
const pool = new Pool({ connectionString: DATABASE_URL, max: 10 })
const tokenKey = createSecretKey(Buffer.from(JWT_SECRET))
const hashKey = createSecretKey(Buffer.from(API_KEY_HASH_KEY))

types.setTypeParser(types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString())

interface Claims {
  sub: string
  organization: string
}
interface Gateway {
  id: string
  name: string
  projectId: string
}
type Operation = (request: IncomingMessage, variables: { after?: string | null }) => Promise<unknown>

function claimsOf({ headers }: IncomingMessage): Claims {
  const options = { algorithms: ['HS256' as const], issuer: 'tenantry', audience: 'tenantry' }
  return jsonwebtoken.verify(headers.authorization?.slice(7) ?? '', tokenKey, options) as unknown as Claims
}

async function rowsOf<Row>(name: string, text: string, values: unknown[]): Promise<Row[]> {
  const { rows } = await pool.query({ name, text, values })
  return rows as Row[]
}

const columns = 'id, name, created_at as "createdAt"'

const page = (organization: string) =>
  rowsOf<{ id: string }>(
    'projects',
    `select ${columns} from projects where organization_id = $1 and deleted_at is null order by id limit 10`,
    [organization],
  )

const pageAfter = (organization: string, after: string) =>
  rowsOf<{ id: string }>(
    'projects after',
    `select ${columns} from projects where organization_id = $1 and id > $2 and deleted_at is null order by id limit 10`,
    [organization, after],
  )

async function typename(request: IncomingMessage) {
  claimsOf(request)
  return { __typename: 'Query' }
}

async function me(request: IncomingMessage) {
  const [user] = await rowsOf(
    'me',
    `select id, email, first_name as "firstName", last_name as "lastName", created_at as "createdAt"
     from users where id = $1 and deleted_at is null`,
    [claimsOf(request).sub],
  )
  return { me: user }
}

async function projects(request: IncomingMessage) {
  const { organization } = claimsOf(request)
  const found = await page(organization)
  const gateways = await rowsOf<Gateway>(
    'gateways',
    `select id, name, project_id as "projectId" from gateways
     where organization_id = $1 and project_id = any ($2) and deleted_at is null order by id`,
    [organization, found.map(({ id }) => id)],
  )
  const byProject = new Map(found.map(({ id }) => [id, [] as Omit<Gateway, 'projectId'>[]]))
  for (const { id, name, projectId } of gateways) byProject.get(projectId)?.push({ id, name })
  return { projects: { nodes: found.map((row) => ({ ...row, gateways: { nodes: byProject.get(row.id) } })) } }
}

async function principal({ headers }: IncomingMessage) {
  const hash = createHmac('sha256', hashKey).update(String(headers['x-api-key'])).digest('base64url')
  const [key] = await rowsOf<{ id: string; scopes: string[] }>(
    'key',
    `select id, scopes from api_keys where key_hash = $1 and revoked_at is null and deactivated_at is null
     and (expires_at is null or expires_at > now())`,
    [hash],
  )
  return { principal: key && { kind: 'API_KEY', subject: key.id, scopes: key.scopes } }
}

async function projectPage(request: IncomingMessage, { after }: { after?: string | null }) {
  const { organization } = claimsOf(request)
  return { projects: { nodes: after ? await pageAfter(organization, after) : await page(organization) } }
}

const operations = new Map<string, Operation>([
  [documents.typename, typename],
  [documents.me, me],
  [documents.projects, projects],
  [documents.principal, principal],
  [documents.page, projectPage],
])

async function answer(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
  const { query, variables = {} } = JSON.parse(body) as { query: string; variables?: { after?: string } }
  const operation = operations.get(query)
  const data = operation ? await operation(request, variables) : null
  const text = JSON.stringify({ data })
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text)
}

createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => void (body += chunk))
  request.on('end', () => {
    answer(request, response, body).catch((error: unknown) => {
      response.writeHead(error instanceof jsonwebtoken.JsonWebTokenError ? 401 : 500).end(String(error))
    })
  })
}).listen(Number(PORT), HOST)
