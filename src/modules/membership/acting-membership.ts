import type { EntityManager } from '@mikro-orm/sql'
import { Organization, type OrganizationRow } from '../organization/organization.entity.ts'
import { Membership, type MembershipRow } from './membership.entity.ts'

/** A membership through which its user can act now, with its organization. */
export type ActingMembership = MembershipRow & { organization: OrganizationRow }

/**
 * The user's memberships in organizations that are neither deleted nor suspended, oldest first. Reaches across tenants:
 * for the authentication door.
 */
export async function findActingMemberships(em: EntityManager, userId: string): Promise<ActingMembership[]> {
  const memberships = await em.find(Membership, { userId }, { orderBy: { id: 'asc' } })
  const ids = memberships.map((membership) => membership.organizationId)
  const organizations = await em.find(Organization, { id: { $in: ids }, suspendedAt: null })
  const byId = new Map(organizations.map((organization) => [organization.id, organization]))
  return memberships.flatMap((membership) => {
    const organization = byId.get(membership.organizationId)
    return organization ? [Object.assign(membership, { organization })] : []
  })
}

/** The same, in one organization; null where the user cannot act in it. */
export async function findActingMembership(
  em: EntityManager,
  userId: string,
  organizationId: string,
): Promise<ActingMembership | null> {
  const membership = await em.findOne(Membership, { userId, organizationId })
  const organization = membership && (await em.findOne(Organization, { id: organizationId, suspendedAt: null }))
  return organization ? Object.assign(membership, { organization }) : null
}
