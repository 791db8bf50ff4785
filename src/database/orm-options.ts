import type { LoggerOptions } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import type { Logger } from 'pino'
import type { Entities } from './entities.ts'
import { migrations } from './migrations.ts'
import { unwatched, WatchedLogger, type DatabaseWatch } from './watch.ts'

/** What both engines have in common. */
export async function ormOptions(entities: Entities, log: Logger, watch: DatabaseWatch = unwatched) {
  return {
    entities: [...entities],
    extensions: [Migrator],
    migrations: { migrationsList: await migrations(), snapshot: false, allOrNothing: true },
    // A filter of a related entity must not add joins to a query that asks for one table (performance.md).
    autoJoinRefsForFilters: false,
    forceUtcTimezone: true,
    colors: false,
    logger: (message: string) => log.debug({ component: 'database' }, message),
    loggerFactory: (options: LoggerOptions) => new WatchedLogger(options, watch),
    discovery: { warnWhenNoEntities: false },
  }
}
