import type { Context } from '../../context.ts'
import { pageOf, readConnection, type Connection, type Ordering, type PageArguments } from '../../database/paging.ts'
import { tenantRows } from '../../database/tenant-rows.ts'
import type { AuditEventFilter } from '../../generated/resolvers.ts'
import { storableTime } from '../../input.ts'
import { AuditEvent, type AuditEventRow } from './audit-event.entity.ts'

/** By what its filter bounds, so that one index serves both. */
export const newestFirst: Ordering = { property: 'createdAt', direction: 'DESC' }

/** A filter's conditions; what is left out does not restrict. `until` itself is left out. @throws ApiError BAD_USER_INPUT */
export function conditionsOf(filter: AuditEventFilter | null | undefined): Record<string, unknown> {
  const { action, actorId, since, until } = filter ?? {}
  return {
    ...(action != null && { action }),
    ...(actorId != null && { actorId }),
    ...((since != null || until != null) && {
      createdAt: {
        ...(since != null && { $gte: storableTime(['filter', 'since'], since) }),
        ...(until != null && { $lt: storableTime(['filter', 'until'], until) }),
      },
    }),
  }
}

/** A page of the current organization's audit events, newest first. */
export async function listAuditEvents(
  ctx: Context,
  args: PageArguments & { filter?: AuditEventFilter | null },
): Promise<Connection<AuditEventRow>> {
  const page = pageOf(args, newestFirst)
  return readConnection(tenantRows(ctx), AuditEvent, conditionsOf(args.filter), page, newestFirst)
}
