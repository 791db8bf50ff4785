import { MikroORM } from '@mikro-orm/postgresql'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { openEmbedded } from './embedded.ts'
import type { Entities } from './entities.ts'
import { assertMigrated, migratePostgres } from './migrate.ts'
import { ormOptions } from './orm-options.ts'
import type { Database } from './database.ts'

/** Runs one statement, in which `?` stands for the values in turn. */
export type RunStatement = (text: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>

/**
 * Runs `work` in one transaction as the owner of the tables: with MIGRATION_DATABASE_URL (else DATABASE_URL), or on the
 * embedded database, which must not be in use. For what no role that serves requests may write.
 * @throws Error where the database cannot be reached, is in use by another process, or has pending migrations.
 */
export async function asOwner<T>(
  config: Config,
  entities: Entities,
  log: Logger,
  work: (run: RunStatement) => Promise<T>,
): Promise<T> {
  const embedded = config.database.url === null
  const { orm, close } = embedded ? await openEmbedded(config, entities, log) : await openAsOwner(config, entities, log)
  try {
    const connection = orm.em.getConnection()
    return await connection.transactional(async (transaction) => {
      // Its one connection runs as the serving role.
      if (embedded) await connection.execute('set local role none', [], 'run', transaction)
      return work((text, values = []) =>
        connection.execute<Record<string, unknown>[]>(text, [...values], 'all', transaction),
      )
    })
  } finally {
    await close()
  }
}

async function openAsOwner(config: Config, entities: Entities, log: Logger): Promise<Pick<Database, 'orm' | 'close'>> {
  const { migrationUrl, migrateOnStart } = config.database
  if (!migrationUrl) throw new Error('DATABASE_URL is not set')
  if (migrateOnStart) await migratePostgres(config, entities, log)
  const orm = await MikroORM.init({ ...(await ormOptions(entities, log)), clientUrl: migrationUrl, pool: { max: 1 } })
  const close = () => orm.close()
  try {
    await assertMigrated(orm)
  } catch (error) {
    await close()
    throw error
  }
  return { orm, close }
}
