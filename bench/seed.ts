import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import type { BenchDatabase } from './database.ts'
import { bearer, documents, operation } from './graphql-calls.ts'
import type { Options } from './options.ts'
import { runNode, start } from './processes.ts'
import { seedRows } from './seed-rows.ts'
import { OUR_SERVER, ourSettings } from './servers/ours.contestant.ts'
import { send } from './workloads.ts'

interface Gateway {
  id: string
  name: string
}
interface Project {
  id: string
  name: string
  createdAt: string
}

/** Somebody with an organization, and what the servers must answer them. */
export interface Person {
  email: string
  password: string
  userId: string
  organizationId: string
  token: string
  /** Good once: the last one that was given out. */
  refreshToken: string
  apiKey: string
  me: { id: string; email: string; firstName: string; lastName: string; createdAt: string }
  principal: { kind: 'API_KEY'; subject: string; scopes: string[] }
  projects: (Project & { gateways: { nodes: Gateway[] } })[]
}

/** What the servers share: the database, the keys, and who asks. */
export interface Seed {
  ownerUrl: string
  servingUrl: string
  redisUrl: string | null
  secrets: { jwt: string; pepper: string; apiKeys: string }
  people: Person[]
  /** The organization of all that the scale adds. */
  large: {
    owner: Person
    ourDeepCursor: string
    beforeDeepPage: string
    firstPage: Project[]
    deepPage: Project[]
    pages: number
  }
}

/** So many ask in turn: a server must not live from knowing one caller. */
const PEOPLE = 10
const PAGE = 10

const secret = () => randomBytes(32).toString('hex')

/** Migrates the database, and fills it: what must be hashed or signed through our API, the rest by SQL. */
export async function makeSeed({ ownerUrl, servingUrl, client }: BenchDatabase, options: Options): Promise<Seed> {
  const secrets = { jwt: secret(), pepper: secret(), apiKeys: secret() }
  const connection = { ownerUrl, servingUrl, redisUrl: options.redisUrl, secrets }
  const settings = ourSettings(connection)
  const migration = { ...settings, MIGRATION_DATABASE_URL: ownerUrl }
  await runNode({ program: new URL('../src/migrate.ts', import.meta.url), settings: migration })
  const probe = (url: string) => send(url, operation(documents.typename, {}))
  const server = await start({ program: OUR_SERVER, settings, probe })
  try {
    const people: Person[] = []
    for (let at = 0; at < PEOPLE; at += 1) people.push(await register(server.url, at))
    const owner = await register(server.url, PEOPLE)
    await seedRows(client, owner.organizationId, options.scale)
    for (const person of [...people, owner]) await expectRows(client, person)
    return { ...connection, people, large: await largeOf(client, server.url, owner) }
  } finally {
    await server.stop()
  }
}

/** Registers somebody with an organization, and makes an API key of it. */
async function register(url: string, at: number): Promise<Person> {
  const email = `person-${at}@example.test`
  const password = `correct horse battery ${at}`
  const input = { email, password, firstName: 'Ada', lastName: `Number ${at}`, organizationName: `Registered ${at}` }
  const fields = 'accessToken refreshToken user { id email firstName lastName createdAt } organization { id }'
  const { register: pair } = await ask<{
    register: { accessToken: string; refreshToken: string; user: Person['me']; organization: { id: string } }
  }>(url, `mutation ($input: RegisterInput!) { register(input: $input) { ${fields} } }`, input)
  const expiresAt = new Date(Date.now() + 30 * 86_400_000).toISOString()
  const { createApiKey } = await ask<{ createApiKey: { secret: string; apiKey: { id: string; scopes: string[] } } }>(
    url,
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id scopes } } }',
    { name: 'Bench', service: 'bench', scopes: ['read:*'], expiresAt },
    pair.accessToken,
  )
  const { id: subject, scopes } = createApiKey.apiKey
  return {
    ...{ email, password, me: pair.user, userId: pair.user.id, organizationId: pair.organization.id },
    ...{ token: pair.accessToken, refreshToken: pair.refreshToken, apiKey: createApiKey.secret },
    principal: { kind: 'API_KEY', subject, scopes },
    projects: [],
  }
}

async function ask<Data>(url: string, query: string, input: object, token?: string): Promise<Data> {
  const call = operation(query, { variables: { input }, ...(token && { headers: bearer(token) }) })
  const { data } = (await send(url, call)) as { data: Data }
  return data
}

interface ProjectRow {
  id: string
  name: string
  created_at: Date
}

const toProject = ({ id, name, created_at }: ProjectRow): Project => ({ id, name, createdAt: created_at.toISOString() })

/** Reads what the servers must answer, with the owner's eyes. */
async function expectRows(client: Client, person: Person): Promise<void> {
  const projects = await client.query<ProjectRow>(
    `select id, name, created_at from projects where organization_id = $1 order by id limit ${PAGE}`,
    [person.organizationId],
  )
  const gateways = await client.query<Gateway & { project_id: string }>(
    'select id, name, project_id from gateways where project_id = any ($1) order by id',
    [projects.rows.map(({ id }) => id)],
  )
  person.projects = projects.rows.map((row) => {
    const own = gateways.rows.filter(({ project_id }) => project_id === row.id)
    return { ...toProject(row), gateways: { nodes: own.map(({ id, name }) => ({ id, name })) } }
  })
}

async function largeOf(client: Client, url: string, owner: Person): Promise<Seed['large']> {
  const page = (order: 'asc' | 'desc', size: number) =>
    client.query<ProjectRow>(
      `select id, name, created_at from projects where organization_id = $1 order by id ${order} limit ${size}`,
      [owner.organizationId],
    )
  const [first, last] = [await page('asc', PAGE), await page('desc', PAGE + 1)]
  const [before, ...deep] = last.rows.reverse()
  const total = await client.query<{ count: number }>('select count(*)::int from projects where organization_id = $1', [
    owner.organizationId,
  ])
  // A cursor is the server's own business: the one of the row before the last page, as it gives it out.
  const asked = operation(documents.cursors, { headers: bearer(owner.token), variables: { last: PAGE + 1 } })
  const { data } = (await send(url, asked)) as { data: { projects: { edges: { cursor: string }[] } } }
  return {
    owner,
    ourDeepCursor: data.projects.edges[0]?.cursor ?? '',
    beforeDeepPage: before?.id ?? '',
    firstPage: first.rows.map(toProject),
    deepPage: deep.map(toProject),
    pages: Math.ceil((total.rows[0]?.count ?? 0) / PAGE),
  }
}
