import { AsyncLocalStorage } from 'node:async_hooks'
import type { EntityManager } from '@mikro-orm/sql'
import { validate } from 'uuid'
import { forbidden } from '../errors.ts'
import type { Database } from './database.ts'
import { repeatOnConflict } from './repeat.ts'
import { roles } from './roles.ts'

/**
 * The one door to rows. Every transaction of the server is opened here, and it names what it may reach: the rows of one
 * tenant, or, explicitly, the few tables that sign-in, the platform's staff or the jobs work on across tenants. The filter
 * and the row-level security policies both follow from the organization named here; no other file sets either.
 */
export type Door = 'tenant' | 'authentication' | 'operator' | 'jobs'

/** The tenant named where a transaction works for none: no organization has the nil id, so every tenant policy is false. */
const NO_TENANT = '00000000-0000-0000-0000-000000000000'

interface Opening {
  door: Door
  /** The current organization; only the tenant door needs one. */
  organizationId: string | null
  readOnly: boolean
}

/** What is to be done once a transaction has committed, by its EntityManager. */
const commitHooks = new WeakMap<EntityManager, (() => void)[]>()

/**
 * The id as the tenant wall takes it.
 * @throws ApiError FORBIDDEN where there is none; Error where it is anything but a UUID string, since an object would be
 * read as an operator and `undefined` as `is null` (isolation.md, wall one).
 */
export function tenantOf(organizationId: unknown): string {
  if (organizationId === null) throw forbidden('NO_ORGANIZATION', 'The credential names no organization')
  if (typeof organizationId !== 'string' || !validate(organizationId) || organizationId === NO_TENANT) {
    throw new Error('A tenant must be named by the UUID of its organization')
  }
  return organizationId
}

/** A fork that reaches what the door is for and nothing else. One fork serves one transaction and is then dropped. */
function forkFor(database: Database, { door, organizationId }: Opening): EntityManager {
  const em = database.orm.em.fork({ disableContextResolution: true })
  if (door === 'tenant') {
    em.setFilterParams('tenant', { organizationId: tenantOf(organizationId) })
    return em
  }
  // Across tenants the role's own policies and grants are the wall. The tenant policies still stand beside them, and
  // would raise an error without a tenant, hence the nil one.
  em.setFilterParams('tenant', { organizationId: NO_TENANT })
  em.addFilter({ name: 'tenant', cond: {}, default: true })
  em.setSessionContext({ role: roles[door] })
  return em
}

async function begin(database: Database, opening: Opening): Promise<EntityManager> {
  const em = forkFor(database, opening)
  // One state of the database for everything that a query reads.
  await em.begin(opening.readOnly ? { readOnly: true, isolationLevel: 'repeatable read' } : {})
  return em
}

/** The piece of work that is running now with a connection in its hands. */
const holding = new AsyncLocalStorage<{ active: boolean }>()

/**
 * Work inside work would wait for a connection, or for its turn, that the work around it does not give back before it has
 * ended: for ever, on the embedded engine and on a pool of one.
 * @throws Error where it is called from within such work.
 */
function assertNotHolding(): void {
  if (holding.getStore()?.active) {
    throw new Error('A door was opened inside the work of another: use the EntityManager that the work was given')
  }
}

async function hold<T>(work: () => Promise<T>): Promise<T> {
  const held = { active: true }
  try {
    return await holding.run(held, work)
  } finally {
    held.active = false
  }
}

/**
 * Runs `work` in a transaction of its own through a door; what it wrote is committed when it resolves and rolled back when
 * it throws. For what runs outside a request's rows (a credential being looked up, a background job); a resolver or
 * service uses the request's {@link Rows}. As there, `work` may be run again.
 */
export async function inTransaction<T>(
  database: Database,
  opening: Opening,
  work: (em: EntityManager) => Promise<T>,
): Promise<T> {
  assertNotHolding()
  return transact(database, opening, work)
}

function transact<T>(
  database: Database,
  opening: Opening,
  work: (em: EntityManager) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return repeatOnConflict(() => transactOnce(database, opening, work, signal), signal)
}

async function transactOnce<T>(
  database: Database,
  opening: Opening,
  work: (em: EntityManager) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const em = await begin(database, opening)
  let result: T
  try {
    result = await hold(() => work(em))
    signal?.throwIfAborted()
    await em.commit()
  } catch (error) {
    await em.rollback().catch(() => {})
    throw error
  }
  for (const hook of commitHooks.get(em) ?? []) hook()
  return result
}

/** Runs `hook` after the transaction of `em` has committed, and never if it does not. */
export function afterCommit(em: EntityManager, hook: () => void): void {
  commitHooks.set(em, [...(commitHooks.get(em) ?? []), hook])
}

/** The rows that one operation works on, as one principal. */
export interface Rows {
  /**
   * Reads through a door. All reads of an operation share one read-only transaction, opened by the first of them: they
   * see one state of the database, and an operation that reads no rows opens none. Reading through another door ends the
   * transaction first, so that a request never holds two connections.
   */
  read<T>(door: Door, work: (em: EntityManager) => Promise<T>): Promise<T>
  /**
   * Runs `work` in a transaction of its own; reads after it see what it wrote. After a deadlock it is run again, with a new
   * EntityManager: it must have no effect but its statements, and leave others to {@link afterCommit}.
   */
  write<T>(door: Door, work: (em: EntityManager) => Promise<T>): Promise<T>
  /** Runs `work`, which takes a connection of its own, while the operation holds none. */
  apart<T>(work: () => Promise<T>): Promise<T>
  /** Called whenever what was read before may be out of date; for the per-operation loaders. */
  onChange(forget: () => void): void
  /** Gives the connection back. Nothing can be read or written afterwards. */
  close(): Promise<void>
}

/**
 * The rows for one operation of a principal with this organization. Nothing is opened before it is needed.
 * @param signal aborted when the caller has been told that the operation took too long: nothing is committed after that.
 */
export function openRows(database: Database, organizationId: string | null, signal?: AbortSignal): Rows {
  const forgetters: (() => void)[] = []
  let reading: { door: Door; em: EntityManager } | null = null
  let closed = false
  let queue: Promise<unknown> = Promise.resolve()

  // One piece of work at a time: there is one connection, and the doors must not interleave on it.
  async function queued<T>(work: () => Promise<T>): Promise<T> {
    assertNotHolding()
    const turn = queue.then(() => {
      if (closed) throw new Error('The operation has ended')
      return work()
    })
    queue = turn.catch(() => {})
    return turn
  }
  async function endReading(): Promise<void> {
    const ended = reading
    reading = null
    // It has written nothing: where the connection broke meanwhile, there is nothing left to undo.
    await ended?.em.rollback().catch(() => {})
  }
  async function readThrough(door: Door): Promise<EntityManager> {
    if (reading?.door === door) return reading.em
    await endReading()
    reading = { door, em: await begin(database, { door, organizationId, readOnly: true }) }
    return reading.em
  }

  return {
    read: (door, work) =>
      queued(async () => {
        try {
          const em = await readThrough(door)
          return await hold(() => work(em))
        } catch (error) {
          // PostgreSQL refuses every further statement of a transaction that has failed: the next read starts afresh.
          await endReading()
          throw error
        }
      }),
    write: (door, work) =>
      queued(async () => {
        await endReading()
        try {
          return await transact(database, { door, organizationId, readOnly: false }, work, signal)
        } finally {
          for (const forget of forgetters) forget()
        }
      }),
    apart: (work) =>
      queued(async () => {
        await endReading()
        return work()
      }),
    onChange: (forget) => void forgetters.push(forget),
    async close() {
      if (closed) return
      await queued(async () => {
        closed = true
        await endReading()
      })
    },
  }
}
