import { MikroORM } from '@mikro-orm/postgresql'
import type { Pool, PoolClient } from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { cancelAtIn, tellWhoTakes } from './cancel.ts'
import type { Database, Surroundings } from './database.ts'
import type { Entities } from './entities.ts'
import { listenOn, type SureListener } from './postgres-listener.ts'
import { assertMigrated, migratePostgres } from './migrate.ts'
import { ormOptions } from './orm-options.ts'
import { readPoolSize } from './pool-size.ts'
import { readOnPool, tellingOf } from './reading.ts'
import { roles } from './roles.ts'
import { assertOrdinaryLogin, assertServingRole } from './serving-role.ts'
import { endSilentConnections, impatientSocket, VANISHED_CLIENTS } from './silent-connections.ts'
import { unwatched } from './watch.ts'

/**
 * Gives a connection that breaks in the middle of a transaction back to the pool, which makes a new one in its place.
 * Nobody else does: a transaction that cannot be rolled back is never released (kysely 0.29), and after as many such
 * breaks as the pool is large the server would wait for connections for ever.
 */
function releaseBroken(pool: Pool): void {
  const inUse = new WeakSet<PoolClient>()
  pool.on('acquire', (client) => void inUse.add(client))
  pool.on('release', (_error, client) => void inUse.delete(client))
  pool.on('connect', (client) => {
    client.once('end', () => {
      if (!inUse.has(client)) return
      const release = client.release.bind(client)
      client.release = () => {}
      release(true)
    })
  })
}

/**
 * What a prepared statement is planned for is the average tenant: it has so few rows that PostgreSQL would rather gather all
 * of them by a bitmap, and sort them, than walk an index in the order of the page, which a large tenant's page needs. And as
 * long as it takes a row out of order for a turn of a disk, it would rather walk the rows of all tenants by their ids.
 */
export const pagesInOrder = '-c enable_bitmapscan=off -c random_page_cost=1.1'

/**
 * Opens the PostgreSQL server (15 or newer) at `DATABASE_URL`.
 * @throws Error where it cannot be reached, has pending migrations, would serve with a role that is too powerful, or gives
 * fewer connections than the workers could ask for.
 */
export async function openPostgres(
  config: Config,
  entities: Entities,
  log: Logger,
  { siblings, watch = unwatched }: Omit<Surroundings, 'image'> = {},
): Promise<Database> {
  const { url, migrateOnStart, statementTimeoutMs } = config.database
  if (!url) throw new Error('DATABASE_URL is not set')
  if (migrateOnStart) await migratePostgres(config, entities, log)
  const most = await readPoolSize(config)
  const orm = await MikroORM.init({
    ...(await ormOptions(entities, log, watch)),
    clientUrl: url,
    pool: { min: 0, max: most },
    driverOptions: {
      onPoolCreated: (pool: Pool) => {
        releaseBroken(pool)
        tellWhoTakes(pool)
        endSilentConnections(pool, { url, statementTimeoutMs, log })
      },
      stream: impatientSocket,
      // The role that owns nothing (isolation.md, wall two), from the connection's first moment on. As a parameter of the
      // connection it is also what `reset role` and `discard all` lead back to; after a `set role` they would not.
      options: `-c role=${roles.server} ${VANISHED_CLIENTS} ${pagesInOrder}`,
      application_name: 'tenantry',
      statement_timeout: statementTimeoutMs,
      connectionTimeoutMillis: statementTimeoutMs,
      idle_in_transaction_session_timeout: config.http.limits.timeoutMs * 3,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
    },
  })
  const pool = await orm.em.getConnection().getNativeClient()
  try {
    await assertMigrated(orm)
    await assertServingRole(orm)
    await assertOrdinaryLogin(orm, config.production, log)
  } catch (error) {
    await orm.close()
    throw error
  }
  const listeners: SureListener[] = []
  const tell = tellingOf(orm, watch)
  siblings?.whenAsked(() => Promise.all(listeners.map((listener) => listener.hear())))
  return {
    engine: 'postgresql',
    orm,
    read: (form, deadline) => readOnPool(pool, form, tell, deadline),
    begin: (em, options, deadline) => cancelAtIn(deadline, () => em.begin(options)),
    watch,
    pool: () => ({ most, open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async listen(channel, listening) {
      const listener = await listenOn(url, channel, listening, log)
      listeners.push(listener)
      return listener
    },
    siblingsHaveHeard: async () => siblings?.haveHeard(),
    close: () => orm.close(),
  }
}
