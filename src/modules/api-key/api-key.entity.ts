import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'
import { tenantOwned } from '../../database/tenant-owned.ts'
import { Organization } from '../organization/organization.entity.ts'
import { User } from '../user/user.entity.ts'

/** A service's credential for one organization. It belongs to the organization, not to who created it. */
export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  ...tenantOwned,
  properties: {
    ...everyTable,
    organizationId: () => p.manyToOne(Organization).mapToPk().fieldName('organization_id'),
    /** HMAC-SHA-256 of the secret. Read by the look-up alone: the tenant door may write it and never see it. */
    keyHash: p.text().lazy().unique(),
    lastEight: p.text(),
    name: p.text(),
    description: p.text().nullable(),
    service: p.text(),
    scopes: p.json<string[]>(),
    /** Null for a key that was made on the command line. The membership of who made it may have ended since. */
    createdById: () => p.manyToOne(User).mapToPk().fieldName('created_by').nullable().deleteRule('no action'),
    lastUsedAt: p.datetime(3).nullable(),
    expiresAt: p.datetime(3).nullable(),
    deactivatedAt: p.datetime(3).nullable(),
    revokedAt: p.datetime(3).nullable(),
    // The foreign key is the composite (organization_id, rotated_to), made by the migration; see gateway.entity.ts.
    rotatedToId: p.uuid().nullable().fieldName('rotated_to'),
    /** The first key of a line of rotations: all keys of a line share one rate limit. */
    lineId: p.uuid(),
    rateLimitPerMinute: p.integer().nullable(),
    /** The last of the days before the expiry that has been told or had passed when the expiry was set; see api-key-expiry.ts. */
    expiryNotifiedDays: p.integer().nullable(),
  },
  uniques: [{ properties: ['organizationId', 'id'] }],
  indexes: [{ properties: ['expiresAt'] }],
  policies: [
    { name: 'api_keys_authentication', command: 'select', roles: [roles.authentication], using: 'true' },
    {
      name: 'api_keys_authentication_use',
      command: 'update',
      roles: [roles.authentication],
      using: 'true',
      check: 'true',
    },
    { name: 'api_keys_jobs', command: 'select', roles: [roles.jobs], using: 'true' },
    { name: 'api_keys_jobs_notice', command: 'update', roles: [roles.jobs], using: 'true', check: 'true' },
  ],
})

export type ApiKeyRow = Omit<InferEntity<typeof ApiKey>, 'keyHash'>
