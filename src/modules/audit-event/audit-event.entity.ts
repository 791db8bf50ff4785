import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'
import { tenantOwned } from '../../database/tenant-owned.ts'
import { principalKinds } from '../../principal/principal.ts'
import { Organization } from '../organization/organization.entity.ts'

/** What not even the jobs may see or remove, whatever their settings say. The database's own clock decides. */
const OLD = `created_at < now() - '30 days'::interval`

/** What the jobs may write: nothing that anybody has done. */
const BY_THE_JOBS = `actor_id is null and (action = 'api_key.expiring' or action = 'audit_event.removed')`

/**
 * What was done, by whom, to what. The serving roles may insert and read, never update or delete; the jobs may delete what
 * is old.
 */
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
    { properties: ['createdAt', 'id'] },
    { properties: ['organizationId', 'createdAt', 'id'] },
    { properties: ['organizationId', 'action', 'createdAt', 'id'] },
    { properties: ['organizationId', 'actorId', 'createdAt', 'id'] },
  ],
  policies: [
    { name: 'audit_events_authentication', command: 'insert', roles: [roles.authentication], check: 'true' },
    { name: 'audit_events_operator', command: 'select', roles: [roles.operator], using: 'true' },
    { name: 'audit_events_operator_insert', command: 'insert', roles: [roles.operator], check: 'true' },
    { name: 'audit_events_jobs', roles: [roles.jobs], using: 'true', check: BY_THE_JOBS },
    // Restrictive: they hold beside the tenant's policy too, which would otherwise show that tenant's young ones.
    { name: 'audit_events_jobs_see_old', type: 'restrictive', command: 'select', roles: [roles.jobs], using: OLD },
    { name: 'audit_events_jobs_remove_old', type: 'restrictive', command: 'delete', roles: [roles.jobs], using: OLD },
  ],
})

export type AuditEventRow = InferEntity<typeof AuditEvent>
