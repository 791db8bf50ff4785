import type { Resolvers } from '../../generated/resolvers.ts'
import { listAuditEvents } from './list-audit-events.ts'

export const auditEventResolvers: Resolvers = {
  Query: {
    auditEvents: (_, args, ctx) => listAuditEvents(ctx, args),
  },
}
