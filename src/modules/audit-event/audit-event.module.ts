import type { FeatureModule } from '../../modules.ts'
import { AuditEvent } from './audit-event.entity.ts'
import { auditEventResolvers } from './audit-event.resolvers.ts'

export default { entities: [AuditEvent], resolvers: auditEventResolvers } satisfies FeatureModule
