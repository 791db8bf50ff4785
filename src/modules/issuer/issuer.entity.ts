import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'
import { tenantOwned } from '../../database/tenant-owned.ts'
import type { ExternalAlgorithm } from '../../principal/external/trusted-issuer.ts'
import { Organization } from '../organization/organization.entity.ts'
import { User } from '../user/user.entity.ts'

/** What one of an issuer's scopes grants here, wildcards kept. */
export interface IssuerScope {
  scope: string
  grants: string[]
}

/** Somebody whose tokens one organization accepts, for itself. */
export const Issuer = defineEntity({
  name: 'Issuer',
  tableName: 'issuers',
  ...tenantOwned,
  properties: {
    ...everyTable,
    organizationId: () => p.manyToOne(Organization).mapToPk().fieldName('organization_id'),
    /** The exact `iss`. */
    issuer: p.text(),
    /** Null: where the discovery document says. */
    jwksUri: p.text().nullable(),
    audiences: p.json<string[]>(),
    algorithms: p.json<ExternalAlgorithm[]>(),
    scopeClaim: p.text(),
    scopeMap: p.json<IssuerScope[]>(),
    maxScopes: p.json<string[]>(),
    /** Their membership may have ended since. */
    createdById: () => p.manyToOne(User).mapToPk().fieldName('created_by').deleteRule('no action'),
    disabledAt: p.datetime(3).nullable(),
  },
  uniques: [
    { properties: ['organizationId', 'id'] },
    // Per organization: each decides for itself whom it trusts, and learns nothing of the others' choices.
    { properties: ['organizationId', 'issuer'], where: 'disabled_at is null' },
  ],
  policies: [{ name: 'issuers_authentication', command: 'select', roles: [roles.authentication], using: 'true' }],
})

export type IssuerRow = InferEntity<typeof Issuer>
