import type { EntityManager } from '@mikro-orm/sql'
import { audit, type Acting } from './audit-event.service.ts'

const REMOVE = `
  with removed as (
    delete from audit_events where id in (select id from audit_events where created_at < ? order by created_at limit ?)
    returning id
  )
  select count(*)::int as count from removed`

/**
 * Removes the oldest of the audit events of before `before`, in the transaction of `em`, with an event that says so. The
 * database lets nobody remove young ones; see the entity's policies.
 * @param most how many at once
 * @returns how many were removed.
 */
export async function removeAuditEvents(
  acting: Acting,
  em: EntityManager,
  before: Date,
  most: number,
): Promise<number> {
  const [removed] = await em.execute<{ count: number }[]>(REMOVE, [before, most])
  const count = removed?.count ?? 0
  if (count > 0) {
    const details = { count, before: before.toISOString() }
    await audit(acting, em, { action: 'audit_event.removed', organizationId: null, details })
  }
  return count
}
