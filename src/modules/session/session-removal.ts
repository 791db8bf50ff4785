import type { EntityManager } from '@mikro-orm/sql'

const REMOVE = `
  with removed as (
    delete from sessions where id in (
      select id from sessions where least(idle_expires_at, expires_at, revoked_at) < ? limit ?
    )
    returning id
  )
  select count(*)::int as count from removed`

/**
 * Removes sessions that ended before `before`, revoked or expired, in the transaction of `em`. Until then a row is kept so
 * that the reuse of one of its tokens is still known for what it is.
 * @param most how many at once
 * @returns how many were removed.
 */
export async function removeEndedSessions(em: EntityManager, before: Date, most: number): Promise<number> {
  const [removed] = await em.execute<{ count: number }[]>(REMOVE, [before, most])
  return removed?.count ?? 0
}
