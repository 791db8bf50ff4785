import type { EntityManager } from '@mikro-orm/sql'
import type { Database } from './database.ts'
import { afterCommit } from './tenancy.ts'

/** What is told, where, and what this process does when it is in force. */
interface News {
  channel: string
  payload: string
  take: () => void
}

/**
 * Tells every instance something in the transaction of `em`: when it commits, and not if it does not. Whoever caused it is
 * answered when this process has taken it, and all others that serve at the same address have heard of it.
 */
export async function tellInstances(
  em: EntityManager,
  database: Database,
  { channel, payload, take }: News,
): Promise<void> {
  await em.execute('select pg_notify(?, ?)', [channel, payload])
  afterCommit(em, () => {
    take()
    return database.siblingsHaveHeard()
  })
}
