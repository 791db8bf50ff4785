import type { MikroORM } from '@mikro-orm/core'
import type { AbstractSqlDriver, EntityManager, SqlEntityManager } from '@mikro-orm/sql'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Deadline } from '../deadline.ts'
import type { Cancelling } from './cancel.ts'
import { openEmbedded } from './embedded.ts'
import type { Entities } from './entities.ts'
import { openPostgres } from './postgres.ts'
import type { Form, Reading } from './reading.ts'
import { unwatched, type DatabaseWatch } from './watch.ts'

/** A subscription to a channel of NOTIFY. */
export interface Listener {
  /** False while notifications may be lost; what depends on them must then ask the database. */
  isLive(): boolean
  stop(): Promise<void>
}

/** What a listener tells of. */
export interface Listening {
  onMessage: (payload: string) => void
  /** Called each time the channel is (again) listened to, before it counts as live: catch up here. */
  onConnected: () => Promise<void>
}

/** The other processes that serve the same clients at the same address: who asks this one next may be answered by them. */
export interface Siblings {
  /** Resolves when each of them has done what it was asked to do with {@link whenAsked}, or does not answer any more. */
  haveHeard(): Promise<void>
  whenAsked(work: () => Promise<unknown>): void
}

/** How a transaction of the ORM begins. */
export type Beginning = NonNullable<Parameters<EntityManager['begin']>[0]>

/** The connections of a pool, as they are now. */
export interface PoolState {
  /** How many there may be. */
  readonly most: number
  readonly open: number
  readonly idle: number
  /** How much work waits for one. */
  readonly waiting: number
}

/** What a database is opened in. */
export interface Surroundings {
  /** What an embedded database in memory starts from; see {@link openEmbedded}. */
  readonly image?: Blob | null
  /** Those that serve from the same database server; the embedded one has none. */
  readonly siblings?: Siblings | null
  readonly watch?: DatabaseWatch
}

/** The database that the server serves from, migrated, and reached as the serving role. */
export interface Database {
  readonly engine: 'postgresql' | 'embedded'
  readonly orm: MikroORM<AbstractSqlDriver, SqlEntityManager>
  /**
   * Opens a read-only transaction; the doors of tenancy.ts alone know what it may reach.
   * @param deadline when it passes, what runs is cancelled, where the engine can
   */
  read(form: Form, deadline?: Deadline): Promise<Reading>
  /** Begins a transaction of the ORM. What runs in it is cancelled likewise, until that is stopped: before it is to end. */
  begin(em: EntityManager, options: Beginning, deadline?: Deadline): Promise<Cancelling>
  readonly watch: DatabaseWatch
  pool(): PoolState
  listen(channel: string, listening: Listening): Promise<Listener>
  /** Resolves when the siblings have heard what was notified before. Other instances hear of it at once too, but unasked. */
  siblingsHaveHeard(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the database: PostgreSQL at `DATABASE_URL`, or the embedded one in the data directory. Applies pending migrations
 * first (unless told not to), as the owner.
 * @throws Error where the database cannot be reached, is in use by another process, or is not migrated.
 */
export async function openDatabase(
  config: Config,
  entities: Entities,
  log: Logger,
  { image = null, siblings = null, watch = unwatched }: Surroundings = {},
): Promise<Database> {
  return config.database.url
    ? openPostgres(config, entities, log, { siblings, watch })
    : openEmbedded(config, entities, log, { image, watch })
}
