import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable, liveRows, softDeleted } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'
import { theTenantItself } from '../../database/tenant-owned.ts'

/** A customer's group, and the boundary of isolation. */
export const Organization = defineEntity({
  name: 'Organization',
  tableName: 'organizations',
  ...theTenantItself,
  properties: {
    ...everyTable,
    ...softDeleted,
    name: p.text(),
    slug: p.text().unique(),
    /** What an issuer calls it; set by the platform's staff alone. Free again once the organization is deleted. */
    externalId: p.text().nullable(),
    requiresTenantApiKey: p.boolean().default(false),
    suspendedAt: p.datetime(3).nullable(),
    suspensionReason: p.text().nullable(),
  },
  uniques: [{ properties: ['externalId'], where: 'deleted_at is null' }],
  filters: { ...theTenantItself.filters, ...liveRows },
  policies: [
    { name: 'organizations_authentication', roles: [roles.authentication], using: 'true', check: 'true' },
    { name: 'organizations_operator', roles: [roles.operator], using: 'true', check: 'true' },
    { name: 'organizations_jobs', command: 'select', roles: [roles.jobs], using: 'true' },
  ],
})

export type OrganizationRow = InferEntity<typeof Organization>
