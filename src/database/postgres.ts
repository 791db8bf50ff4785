import { MikroORM } from '@mikro-orm/postgresql'
import { CompiledQuery, type DatabaseConnection } from 'kysely'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Database } from './database.ts'
import type { Entities } from './entities.ts'
import { listenOn } from './postgres-listener.ts'
import { migratePostgres } from './migrate.ts'
import { ormOptions } from './orm-options.ts'
import { roles } from './roles.ts'
import { assertServingRole } from './serving-role.ts'

/** Makes a new connection of the pool serve as the role that owns nothing (isolation.md, wall two). */
async function becomeServingRole(connection: unknown): Promise<void> {
  await (connection as DatabaseConnection).executeQuery(CompiledQuery.raw(`set role ${roles.server}`))
}

/**
 * Opens the PostgreSQL server (15 or newer) at `DATABASE_URL`.
 * @throws Error where it cannot be reached, has pending migrations, or would serve with a role that is too powerful.
 */
export async function openPostgres(config: Config, entities: Entities, log: Logger): Promise<Database> {
  const { url, migrateOnStart, poolSize, statementTimeoutMs } = config.database
  if (!url) throw new Error('DATABASE_URL is not set')
  if (migrateOnStart) await migratePostgres(config, entities, log)
  const orm = await MikroORM.init({
    ...(await ormOptions(entities, log)),
    clientUrl: url,
    pool: { min: 0, max: poolSize },
    onCreateConnection: becomeServingRole,
    driverOptions: {
      application_name: 'tenantry',
      statement_timeout: statementTimeoutMs,
      connectionTimeoutMillis: statementTimeoutMs,
      idle_in_transaction_session_timeout: config.http.limits.timeoutMs * 3,
      keepAlive: true,
    },
  })
  try {
    await assertServingRole(orm)
  } catch (error) {
    await orm.close()
    throw error
  }
  return {
    engine: 'postgresql',
    orm,
    listen: (channel, listening) => listenOn(url, channel, listening, log),
    close: () => orm.close(),
  }
}
