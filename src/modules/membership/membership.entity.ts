import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../../database/columns.ts'
import { roles as databaseRoles } from '../../database/roles.ts'
import { tenantOwned } from '../../database/tenant-owned.ts'
import { roles } from '../../principal/principal.ts'
import { Organization } from '../organization/organization.entity.ts'
import { User, type UserRow } from '../user/user.entity.ts'

/** One user in one organization, with a role. */
export const Membership = defineEntity({
  name: 'Membership',
  tableName: 'memberships',
  ...tenantOwned,
  properties: {
    ...everyTable,
    organizationId: () => p.manyToOne(Organization).mapToPk().fieldName('organization_id'),
    userId: () => p.manyToOne(User).mapToPk().fieldName('user_id'),
    role: p.enum(roles),
    /** Raised with each change of the role, so that access tokens that carry the old one end. */
    version: p.integer().default(1),
  },
  uniques: [{ properties: ['organizationId', 'id'] }, { properties: ['organizationId', 'userId'] }],
  indexes: [{ properties: ['userId', 'organizationId'] }],
  policies: [
    { name: 'memberships_authentication', roles: [databaseRoles.authentication], using: 'true', check: 'true' },
  ],
})

/** `user` is there where the membership has ended, and its user can no longer be seen through it. */
export type MembershipRow = InferEntity<typeof Membership> & { user?: UserRow | null }
