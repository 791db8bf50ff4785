import { AsyncLocalStorage } from 'node:async_hooks'
import type { EntityManager } from '@mikro-orm/sql'
import { validate } from 'uuid'
import { forbidden } from '../errors.ts'
import type { Deadline } from '../deadline.ts'
import { STAND_IN_TENANT, type CompiledStatement } from './compiled-statement.ts'
import type { Database } from './database.ts'
import type { Reach, Reading } from './reading.ts'
import { repeatOnConflict } from './repeat.ts'
import { roles } from './roles.ts'
import { statementOf, type Shape } from './shape.ts'
import { secondsSince } from './watch.ts'

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
const commitHooks = new WeakMap<EntityManager, (() => unknown)[]>()

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

/** What a transaction through a door may reach, as the row-level security policies read it. */
function reachOf({ door, organizationId }: Pick<Opening, 'door' | 'organizationId'>): Reach {
  return door === 'tenant' ? { role: null, tenant: tenantOf(organizationId) } : { role: roles[door], tenant: NO_TENANT }
}

/** A fork that reaches what the door is for and nothing else. One fork serves one transaction and is then dropped. */
function forkFor(database: Database, { door, tenant }: { door: Door; tenant: string }): EntityManager {
  const em = database.orm.em.fork({ disableContextResolution: true })
  if (door === 'tenant') {
    em.setFilterParams('tenant', { organizationId: tenant })
    return em
  }
  // Across tenants the role's own policies and grants are the wall. The tenant policies still stand beside them, and
  // would raise an error without a tenant, hence the nil one.
  em.setFilterParams('tenant', { organizationId: NO_TENANT })
  em.addFilter({ name: 'tenant', cond: {}, default: true })
  em.setSessionContext({ role: roles[door] })
  return em
}

/** Opens a transaction that reads through a door, and sees one state of the database. */
export function openReading(
  database: Database,
  opening: Omit<Opening, 'readOnly'>,
  deadline?: Deadline,
): Promise<Reading> {
  const reach = reachOf(opening)
  const fork = () => forkFor(database, { door: opening.door, tenant: reach.tenant })
  return database.read({ reach, fork }, deadline)
}

/** The statement for a question through a door, with both walls in it: the filter's condition, for whichever tenant. */
export function statementThrough(database: Database, door: Door, shape: Shape): Promise<CompiledStatement> {
  const fork = () => forkFor(database, { door, tenant: STAND_IN_TENANT })
  return statementOf(database, shape, { throughTenant: door === 'tenant', fork })
}

/** The piece of work that is running now with a connection in its hands. */
const holding = new AsyncLocalStorage<{ active: boolean }>()

/**
 * Work inside work would wait for a connection, or for its turn, that the work around it does not give back before it has
 * ended: for ever, on the embedded engine and on a pool of one.
 * @throws Error where it is called from within such work.
 */
export function assertNotHolding(): void {
  if (holding.getStore()?.active) {
    throw new Error('A door was opened inside the work of another: use the EntityManager that the work was given')
  }
}

export async function hold<T>(work: () => Promise<T>): Promise<T> {
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

/** The same, for who has made sure of it. */
export function transact<T>(
  database: Database,
  opening: Opening,
  work: (em: EntityManager) => Promise<T>,
  deadline?: Deadline,
): Promise<T> {
  return repeatOnConflict(() => transactOnce(database, opening, work, deadline), deadline)
}

async function transactOnce<T>(
  database: Database,
  opening: Opening,
  work: (em: EntityManager) => Promise<T>,
  deadline?: Deadline,
): Promise<T> {
  const started = performance.now()
  const em = forkFor(database, { door: opening.door, tenant: reachOf(opening).tenant })
  const options = opening.readOnly ? { readOnly: true, isolationLevel: 'repeatable read' as const } : {}
  const cancelling = await database.begin(em, options, deadline)
  let result: T
  try {
    deadline?.throwIfAborted()
    result = await hold(() => work(em))
    // What is to be written is written now: of what is being committed nothing can be cancelled.
    await em.flush()
    await cancelling.stop()
    deadline?.throwIfAborted()
    await em.commit()
  } catch (error) {
    await cancelling.stop()
    await em.rollback().catch(() => {})
    // A statement that was cancelled says no more than that it was.
    deadline?.throwIfAborted()
    throw error
  } finally {
    database.watch.transaction(opening.readOnly ? 'read' : 'write', secondsSince(started))
  }
  await Promise.all((commitHooks.get(em) ?? []).map((hook) => hook()))
  return result
}

/** Runs `hook` after the transaction of `em` has committed, and never if it does not; nobody is told of it before that is done. */
export function afterCommit(em: EntityManager, hook: () => unknown): void {
  commitHooks.set(em, [...(commitHooks.get(em) ?? []), hook])
}
