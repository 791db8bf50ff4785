import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable, liveRows, softDeleted } from '../../database/columns.ts'
import { tenantOwned } from '../../database/tenant-owned.ts'
import { Organization } from '../organization/organization.entity.ts'
import { Project } from '../project/project.entity.ts'

/** A gateway of a project. */
export const Gateway = defineEntity({
  name: 'Gateway',
  tableName: 'gateways',
  ...tenantOwned,
  properties: {
    ...everyTable,
    ...softDeleted,
    organizationId: () => p.manyToOne(Organization).mapToPk().fieldName('organization_id'),
    // The foreign key is the composite (organization_id, project_id), made by the migration: one on project_id alone
    // would let a row point at another tenant's project, since foreign-key checks bypass row-level security.
    projectId: () => p.manyToOne(Project).mapToPk().fieldName('project_id').createForeignKeyConstraint(false),
    name: p.text(),
  },
  filters: { ...tenantOwned.filters, ...liveRows },
  uniques: [{ properties: ['organizationId', 'id'] }],
  indexes: [
    { properties: ['organizationId', 'projectId', 'id'] },
    { properties: ['organizationId', 'projectId', 'createdAt', 'id'] },
    { properties: ['organizationId', 'projectId', 'name', 'id'] },
    { properties: ['organizationId', 'createdAt', 'id'] },
    { properties: ['organizationId', 'name', 'id'] },
  ],
})

export type GatewayRow = InferEntity<typeof Gateway>
