import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable, liveRows, softDeleted } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'

/** A person. Users are global: a membership makes one a member of an organization. */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    ...everyTable,
    ...softDeleted,
    /** Lower case: the same person however it is typed. */
    email: p.text().unique(),
    firstName: p.text().nullable(),
    lastName: p.text().nullable(),
    /** Staff of the platform: an operator. */
    isSuperuser: p.boolean().default(false),
    deactivatedAt: p.datetime(3).nullable(),
    lastLoginAt: p.datetime(3).nullable(),
    /** The organization that the next sign-in takes up again. */
    lastOrganizationId: p.uuid().nullable(),
    /** Raised to end every access token of the user that was issued with a lower number. */
    tokenVersion: p.integer().default(1),
  },
  filters: liveRows,
  rowLevelSecurity: 'force',
  policies: [
    {
      name: 'users_of_the_tenant',
      command: 'select',
      roles: [roles.server],
      using: `exists (select 1 from memberships m where m.user_id = users.id and m.organization_id = current_setting('mikro.tenant.organizationId')::uuid)`,
    },
    { name: 'users_authentication_read', command: 'select', roles: [roles.authentication], using: 'true' },
    // Nobody is made an operator by signing up; the column's update is not granted either.
    {
      name: 'users_authentication_insert',
      command: 'insert',
      roles: [roles.authentication],
      check: 'not is_superuser',
    },
    {
      name: 'users_authentication_update',
      command: 'update',
      roles: [roles.authentication],
      using: 'true',
      check: 'true',
    },
    { name: 'users_operator', roles: [roles.operator], using: 'true', check: 'true' },
  ],
})

export type UserRow = InferEntity<typeof User>
