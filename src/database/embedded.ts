import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { MikroORM } from '@mikro-orm/pglite'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { NEVER_CANCELLED } from './cancel.ts'
import { lockDirectory } from './directory-lock.ts'
import type { Database, Surroundings } from './database.ts'
import type { Entities } from './entities.ts'
import { applyMigrations } from './migrate.ts'
import { ormOptions } from './orm-options.ts'
import { beginReadOnly, readThroughOrm, tellingOf } from './reading.ts'
import { roles } from './roles.ts'
import { assertServingRole } from './serving-role.ts'
import { unwatched } from './watch.ts'

/** The data directory that stands for a database in memory, gone with the process: for tests. */
export const IN_MEMORY = ':memory:'

/**
 * Opens PostgreSQL embedded in this process, with its files in `<dataDir>/postgres`.
 * `image` is what a database in memory starts from, as {@link PGlite.dumpDataDir} gives it; left out: from nothing.
 * @throws Error where another process has the directory open.
 */
export async function openEmbedded(
  config: Config,
  entities: Entities,
  log: Logger,
  { image = null, watch = unwatched }: Omit<Surroundings, 'siblings'> = {},
): Promise<Database> {
  const inMemory = config.dataDir.endsWith(IN_MEMORY)
  const path = join(config.dataDir, 'postgres')
  if (!inMemory) mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const unlock = inMemory ? () => {} : lockDirectory(config.dataDir)
  try {
    const pglite = inMemory ? await PGlite.create(image ? { loadDataDir: image } : {}) : await PGlite.create(path)
    const orm = await MikroORM.init({
      ...(await ormOptions(entities, log, watch)),
      dbName: 'postgres',
      driverOptions: { pglite },
    })
    await applyMigrations(orm, log)
    // The one connection serves from here on as the role that owns nothing (isolation.md, wall two).
    await pglite.exec(`set role ${roles.server}; set statement_timeout = ${config.database.statementTimeoutMs}`)
    await assertServingRole(orm)
    return {
      engine: 'embedded',
      orm,
      read: (form) => readThroughOrm(form, tellingOf(orm, watch)),
      // A statement of this engine holds up the process itself: nothing could be cancelled meanwhile.
      async begin(em, options) {
        await (options.readOnly ? beginReadOnly(em) : em.begin(options))
        return NEVER_CANCELLED
      },
      watch,
      // Its one connection is always there, and what waits for it waits in the ORM.
      pool: () => ({ most: 1, open: 1, idle: 1, waiting: 0 }),
      async listen(channel, { onMessage, onConnected }) {
        const stop = await pglite.listen(channel, onMessage)
        await onConnected()
        return { isLive: () => !pglite.closed, stop: () => stop() }
      },
      siblingsHaveHeard: async () => {},
      async close() {
        await orm.close()
        await pglite.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}
