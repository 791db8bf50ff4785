import type { EntityManager } from '@mikro-orm/sql'
import type { Database } from '../database/database.ts'
import { inTransaction } from '../database/tenancy.ts'

/** The advisory locks under which one instance works while the others go on; the numbers are arbitrary and ours alone. */
const LOCKS = { notices: 7_265_110_383, removal: 7_265_110_384 } as const

/**
 * Runs `work` in a transaction of the jobs that no other instance's with the same lock overlaps.
 * @returns null, with nothing done, where another instance is at it.
 */
export function oneAtATime<T>(
  database: Database,
  lock: keyof typeof LOCKS,
  work: (em: EntityManager) => Promise<T>,
): Promise<T | null> {
  return inTransaction(database, { door: 'jobs', organizationId: null, readOnly: false }, async (em) => {
    const [locked] = await em.execute<{ taken: boolean }[]>('select pg_try_advisory_xact_lock(?) as taken', [
      LOCKS[lock],
    ])
    return locked?.taken ? work(em) : null
  })
}
