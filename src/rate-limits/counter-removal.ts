import type { EntityManager } from '@mikro-orm/sql'

const REMOVE = `
  with removed as (
    delete from rate_limit_counters where key in (select key from rate_limit_counters where expire < extract(epoch from now()) * 1000 limit ?)
    returning key
  )
  select count(*)::int as count from removed`

/**
 * Removes counters whose window has ended, in the transaction of `em`: they count nothing any more.
 * @param most how many at once
 * @returns how many were removed.
 */
export async function removeEndedCounters(em: EntityManager, most: number): Promise<number> {
  const [removed] = await em.execute<{ count: number }[]>(REMOVE, [most])
  return removed?.count ?? 0
}
