import type { Dictionary } from '@mikro-orm/core'

/**
 * The one definition of "this row belongs to an organization" (isolation.md, wall one). MikroORM adds the condition to
 * what it reads and writes and throws when no tenant is set; from the same definition come the row-level security
 * policies, which hold where the filter does not reach. The parameter is set in tenancy.ts alone.
 */
const ownedThrough = (column: 'organizationId' | 'id') => ({
  rowLevelSecurity: 'force' as const,
  filters: {
    tenant: {
      name: 'tenant',
      cond: (tenant: Dictionary<string>) => ({ [column]: tenant.organizationId }),
      default: true,
      strict: true,
      rls: true,
    },
  },
})

/** For tables with `organization_id`: spread it into the entity, and `filters` too where the entity has its own. */
export const tenantOwned = ownedThrough('organizationId')

/** For the table of the organizations themselves. */
export const theTenantItself = ownedThrough('id')
