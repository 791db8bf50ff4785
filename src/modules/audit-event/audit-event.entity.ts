import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'
import { tenantOwned } from '../../database/tenant-owned.ts'
import { principalKinds } from '../../principal/principal.ts'
import { Organization } from '../organization/organization.entity.ts'

/** What was done, by whom, to what. The server's roles may insert and read, never update or delete. */
export const AuditEvent = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_events',
  ...tenantOwned,
  properties: {
    ...everyTable,
    /** Null for what happens outside every organization, such as a failed sign-in. */
    organizationId: () =>
      p.manyToOne(Organization).mapToPk().fieldName('organization_id').nullable().deleteRule('no action'),
    action: p.text(),
    actorKind: p.enum(principalKinds).nullable(),
    actorId: p.text().nullable(),
    targetType: p.text().nullable(),
    targetId: p.text().nullable(),
    succeeded: p.boolean(),
    /** Allow-listed facts of the event; never a value that a client typed. */
    details: p.json<Record<string, unknown>>().nullable(),
    ipAddress: p.text().nullable(),
    userAgent: p.text().nullable(),
    requestId: p.text().nullable(),
  },
  indexes: [
    { properties: ['organizationId', 'id'] },
    { properties: ['organizationId', 'action', 'id'] },
    { properties: ['organizationId', 'actorId', 'id'] },
  ],
  policies: [
    { name: 'audit_events_authentication', command: 'insert', roles: [roles.authentication], check: 'true' },
    { name: 'audit_events_operator', command: 'select', roles: [roles.operator], using: 'true' },
    { name: 'audit_events_operator_insert', command: 'insert', roles: [roles.operator], check: 'true' },
  ],
})

export type AuditEventRow = InferEntity<typeof AuditEvent>
