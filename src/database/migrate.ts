import { MikroORM } from '@mikro-orm/postgresql'
import { Client, DatabaseError, escapeIdentifier, escapeLiteral } from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { advisoryLocks } from './advisory-locks.ts'
import type { Database } from './database.ts'
import type { Entities } from './entities.ts'
import { migrations } from './migrations.ts'
import { ormOptions } from './orm-options.ts'
import { roles } from './roles.ts'
import { VANISHED_CLIENTS } from './silent-connections.ts'

const CONNECT_MS = 10_000

interface Migrating {
  migrator: { getPending(): Promise<{ name: string }[]>; up(): Promise<unknown> }
}

/** Applies what is pending, on an ORM that is connected as the owner. */
export async function applyMigrations(orm: Migrating, log: Logger): Promise<void> {
  const pending = await orm.migrator.getPending()
  if (pending.length === 0) return
  await orm.migrator.up()
  log.info({ migrations: pending.map((migration) => migration.name) }, 'migrations applied')
}

/**
 * Makes sure that every migration of this version has been applied; asked as the serving role, which may read their table.
 * @throws Error naming what is pending.
 */
export async function assertMigrated(orm: Database['orm']): Promise<void> {
  const applied = await orm.em.getConnection().execute<{ name: string }[]>('select name from mikro_orm_migrations')
  const names = new Set(applied.map((row) => row.name))
  const pending = (await migrations()).map((migration) => migration.name).filter((name) => !names.has(name))
  if (pending.length > 0) throw new Error(`pending: ${pending.join(', ')}`)
}

/**
 * Migrates the PostgreSQL server at `MIGRATION_DATABASE_URL` (else `DATABASE_URL`) under an advisory lock, so that several
 * instances may start at once, and lets the login of `DATABASE_URL` become the serving role, making it where it is missing.
 * @throws Error where the server is older than PostgreSQL 15 or cannot be reached.
 */
export async function migratePostgres(config: Config, entities: Entities, log: Logger): Promise<void> {
  const { url, migrationUrl } = config.database
  if (!url || !migrationUrl) throw new Error('DATABASE_URL is not set')
  const lock = new Client({
    connectionString: migrationUrl,
    application_name: 'tenantry migrations',
    connectionTimeoutMillis: CONNECT_MS,
    // Others wait for the lock: a machine that vanishes with it must not keep it.
    options: VANISHED_CLIENTS,
    keepAlive: true,
  })
  await lock.connect()
  try {
    await lock.query('select pg_advisory_lock($1)', [advisoryLocks.migrations])
    await assertVersion(lock)
    const orm = await MikroORM.init({ ...(await ormOptions(entities, log)), clientUrl: migrationUrl, pool: { max: 1 } })
    try {
      await applyMigrations(orm, log)
    } finally {
      await orm.close()
    }
    await admitServingLogin(lock, new URL(url))
  } finally {
    await lock.end()
  }
}

/** @throws Error where the server is older than the policies and privileges that the migrations make. */
export async function assertVersion(client: Pick<Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  const version = rows[0]?.version ?? 0
  if (version < 150_000) throw new Error(`PostgreSQL 15 or newer is needed; the server's version number is ${version}`)
}

/** Somebody else has just made the same: duplicate_object, unique_violation, and a tuple that was updated concurrently. */
const MADE_MEANWHILE = new Set(['42710', '23505', 'XX000'])
const ATTEMPTS = 5

/**
 * Lets the login of `DATABASE_URL` take the serving roles. Roles belong to the whole cluster, the lock to one database: an
 * instance of another database may make the same login, or the same grant, at the same moment.
 */
async function admitServingLogin(owner: Client, serving: URL): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await admit(owner, decodeURIComponent(serving.username), decodeURIComponent(serving.password))
      return
    } catch (error) {
      const code = error instanceof DatabaseError ? error.code : undefined
      if (attempt === ATTEMPTS || !code || !MADE_MEANWHILE.has(code)) throw error
    }
  }
}

/** Makes the login where it is missing, and grants it what it has not yet; it inherits nothing of the roles. */
async function admit(owner: Client, login: string, password: string): Promise<void> {
  const name = login ? escapeIdentifier(login) : 'current_user'
  if (login) {
    const { rowCount } = await owner.query('select 1 from pg_roles where rolname = $1', [login])
    const secret = password ? `password ${escapeLiteral(password)}` : ''
    if (rowCount === 0) await owner.query(`create role ${name} login noinherit ${secret}`)
  }
  for (const role of Object.values(roles)) {
    const { rows } = await owner.query<{ member: boolean }>(
      `select pg_has_role(${login ? escapeLiteral(login) : 'current_user'}, $1, 'member') as member`,
      [role],
    )
    if (!rows[0]?.member) await owner.query(`grant ${role} to ${name}`)
  }
}
