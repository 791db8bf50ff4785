import { randomUUID } from 'node:crypto'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EntitySchema } from '@mikro-orm/core'
import type { EntityManager, SqlEntityManager } from '@mikro-orm/sql'
import { loadConfig, type Config } from '../../src/config.ts'
import { openDatabase, type Database } from '../../src/database/database.ts'
import type { Entities } from '../../src/database/entities.ts'
import { inTransaction, type Door } from '../../src/database/tenancy.ts'
import { createLogger } from '../../src/http/log.ts'
import { embeddedImage } from '../embedded-image.ts'
import { createMigratedDatabase, POSTGRES_URL } from '../databases.ts'
import { ownerOf, type Row } from '../given-owner.ts'

export { ownerOf, pgliteOf, type Row } from '../given-owner.ts'

/** A migrated database, without a server in front of it, and its owner beside it. */
export interface TestDatabase {
  database: Database
  url: string | undefined
  /** What the connections have said, statement by statement. */
  statements: string[]
  /** Runs one statement as the owner, whom no policy concerns. */
  asOwner(sql: string, parameters?: unknown[]): Promise<Row[]>
  /** Runs `work` in a transaction through a door. */
  through<T>(door: Door, organizationId: string | null, work: (em: EntityManager) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** The settings of a test that needs a database and no server. */
export function databaseConfig(url: string | undefined, settings: Record<string, string> = {}): Config {
  const given = { NODE_ENV: 'test', DATA_DIR: ':memory:', DATABASE_URL: url, ...settings }
  return loadConfig(given, '/dev/null')
}

/** Every entity that the server knows, from the files that define them. */
export async function allEntities(): Promise<Entities> {
  const root = new URL('../../src/', import.meta.url)
  const files = globSync('**/*.entity.ts', { cwd: fileURLToPath(root) }).sort()
  const exported = await Promise.all(files.map(async (file) => (await import(new URL(file, root).href)) as object))
  return exported.flatMap((module) => Object.values(module)).filter((value) => value instanceof EntitySchema)
}

/** A database of its own, migrated and opened as the server opens it. */
export async function givenDatabase(settings: Record<string, string> = {}): Promise<TestDatabase> {
  const own = POSTGRES_URL ? await createMigratedDatabase() : null
  const statements: string[] = []
  const log = createLogger('silent')
  const database = await openDatabase(databaseConfig(own?.url, settings), await allEntities(), log, {
    image: embeddedImage(),
  })
  const owner = await ownerOf(database, own?.url)
  const logger = database.orm.config.getLogger()
  logger.setDebugMode(['query'])
  logger.logQuery = ({ query }) => void statements.push(query ?? '')
  return {
    database,
    url: own?.url,
    statements,
    asOwner: (sql, parameters) => owner.run(sql, parameters),
    through: (door, organizationId, work) => inTransaction(database, { door, organizationId, readOnly: false }, work),
    async close() {
      await owner.end()
      await database.close()
      await own?.drop()
    },
  }
}

/** One organization's rows, by kind, for comparing and for probing. */
export interface Tenant {
  organizationId: string
  name: string
  userId: string
  membershipId: string
  projectId: string
  otherProjectId: string
  gatewayId: string
  auditEventId: string
  sessionId: string
}

type Owner = Pick<TestDatabase, 'asOwner'>

/** Makes an organization with a member, projects, a gateway, a session and an audit event; as the owner. */
export async function givenTenant({ asOwner }: Owner, name: string): Promise<Tenant> {
  const id = () => randomUUID()
  const tenant: Tenant = {
    organizationId: id(),
    name: `${name} ${id().slice(0, 8)}`,
    userId: id(),
    membershipId: id(),
    projectId: id(),
    otherProjectId: id(),
    gatewayId: id(),
    auditEventId: id(),
    sessionId: id(),
  }
  const { organizationId, userId, projectId } = tenant
  const slug = tenant.name.toLowerCase().replaceAll(' ', '-')
  await asOwner('insert into organizations (id, name, slug) values ($1, $2, $3)', [organizationId, tenant.name, slug])
  await asOwner('insert into users (id, email) values ($1, $2)', [userId, `${slug}@example.test`])
  await asOwner('insert into memberships (id, organization_id, user_id, role) values ($1, $2, $3, $4)', [
    tenant.membershipId,
    organizationId,
    userId,
    'ADMIN',
  ])
  for (const project of [projectId, tenant.otherProjectId]) {
    await asOwner('insert into projects (id, organization_id, name) values ($1, $2, $3)', [
      project,
      organizationId,
      `project of ${tenant.name}`,
    ])
  }
  await asOwner('insert into gateways (id, organization_id, project_id, name) values ($1, $2, $3, $4)', [
    tenant.gatewayId,
    organizationId,
    projectId,
    `gateway of ${tenant.name}`,
  ])
  await asOwner(
    `insert into sessions (id, user_id, organization_id, token_hash, reuse_key, last_used_at, idle_expires_at, expires_at)
     values ($1, $2, $3, 'hash', 'key', now(), now() + '1 day', now() + '1 day')`,
    [tenant.sessionId, userId, organizationId],
  )
  await asOwner('insert into audit_events (id, organization_id, action, succeeded) values ($1, $2, $3, true)', [
    tenant.auditEventId,
    organizationId,
    'project.created',
  ])
  return tenant
}

/** The tables with rows of one organization, found in the database itself. */
export async function tenantTables({ asOwner }: Owner): Promise<string[]> {
  const rows = await asOwner(
    `select table_name as name from information_schema.columns
     where table_schema = 'public' and column_name = 'organization_id' order by 1`,
  )
  return rows.map((row) => row.name as string)
}

/**
 * Every row of an organization, byte by byte, as one text: those with its id, itself and its members; and every reference
 * from elsewhere that points into it.
 */
export async function dumpOf(owner: Owner, { organizationId }: { organizationId: string }): Promise<string> {
  const dump = async (name: string, condition: string) => {
    const sql = `select coalesce(string_agg(t::text, E'\\n' order by t::text), '') as rows from "${name}" t where ${condition}`
    return `${name}\n${String((await owner.asOwner(sql, [organizationId]))[0]?.rows)}`
  }
  const parts = [
    await dump('organizations', 't.id = $1'),
    await dump('users', 't.id in (select user_id from memberships where organization_id = $1)'),
    await dump('gateways', 't.project_id in (select id from projects where organization_id = $1)'),
  ]
  for (const table of await tenantTables(owner)) parts.push(await dump(table, 't.organization_id = $1'))
  return parts.join('\n\n')
}

/** Opens a Kysely of the transaction of `em`. */
export const kyselyOf = (em: SqlEntityManager) => em.getKysely() as any
