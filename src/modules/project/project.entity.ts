import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable, liveRows, softDeleted } from '../../database/columns.ts'
import { tenantOwned } from '../../database/tenant-owned.ts'
import { Organization } from '../organization/organization.entity.ts'

/** A project of an organization. */
export const Project = defineEntity({
  name: 'Project',
  tableName: 'projects',
  ...tenantOwned,
  properties: {
    ...everyTable,
    ...softDeleted,
    organizationId: () => p.manyToOne(Organization).mapToPk().fieldName('organization_id'),
    name: p.text(),
    description: p.text().nullable(),
  },
  filters: { ...tenantOwned.filters, ...liveRows },
  uniques: [{ properties: ['organizationId', 'id'] }],
  indexes: [{ properties: ['organizationId', 'createdAt', 'id'] }, { properties: ['organizationId', 'name', 'id'] }],
})

export type ProjectRow = InferEntity<typeof Project>
