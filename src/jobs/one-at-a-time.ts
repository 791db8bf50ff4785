import type { EntityManager } from '@mikro-orm/sql'
import { advisoryLocks } from '../database/advisory-locks.ts'
import type { Database } from '../database/database.ts'
import { inTransaction } from '../database/tenancy.ts'

/**
 * Runs `work` in a transaction of the jobs that no other instance's with the same lock overlaps.
 * @returns null, with nothing done, where another instance is at it.
 */
export function oneAtATime<T>(
  database: Database,
  lock: 'notices' | 'removal',
  work: (em: EntityManager) => Promise<T>,
): Promise<T | null> {
  return inTransaction(database, { door: 'jobs', organizationId: null, readOnly: false }, async (em) => {
    const [locked] = await em.execute<{ taken: boolean }[]>('select pg_try_advisory_xact_lock(?) as taken', [
      advisoryLocks[lock],
    ])
    return locked?.taken ? work(em) : null
  })
}
