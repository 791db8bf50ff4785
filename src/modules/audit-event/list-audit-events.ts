import type { Context } from '../../context.ts'
import { pageOf, readConnection, type Connection, type Ordering, type PageArguments } from '../../database/paging.ts'
import type { AuditEventFilter } from '../../generated/resolvers.ts'
import { AuditEvent, type AuditEventRow } from './audit-event.entity.ts'

const newestFirst: Ordering = { property: 'id', direction: 'DESC' }

/** A filter's conditions; what is left out does not restrict. */
export function conditionsOf(filter: AuditEventFilter | null | undefined): Record<string, unknown> {
  const { action, actorId, since, until } = filter ?? {}
  return {
    ...(action != null && { action }),
    ...(actorId != null && { actorId }),
    ...((since != null || until != null) && {
      createdAt: { ...(since != null && { $gte: since }), ...(until != null && { $lt: until }) },
    }),
  }
}

/** A page of the current organization's audit events, newest first. */
export function listAuditEvents(
  ctx: Context,
  args: PageArguments & { filter?: AuditEventFilter | null },
): Promise<Connection<AuditEventRow>> {
  const page = pageOf(args, newestFirst)
  return readConnection(
    (work) => ctx.rows.read('tenant', work),
    AuditEvent,
    conditionsOf(args.filter),
    page,
    newestFirst,
  )
}
