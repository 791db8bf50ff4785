import type { EntityManager } from '@mikro-orm/sql'
import { inOrderOf } from '../../database/tenant-rows.ts'
import { Organization, type OrganizationRow } from '../organization/organization.entity.ts'
import { Membership, type MembershipRow } from './membership.entity.ts'

/** A membership with its organization. */
export type ActingMembership = MembershipRow & { organization: OrganizationRow }

/**
 * The user's memberships in organizations that are not deleted, oldest first. Reaches across tenants: for the
 * authentication door.
 */
export async function findMembershipsOf(em: EntityManager, userId: string): Promise<ActingMembership[]> {
  const memberships = await em.find(Membership, { userId }, { orderBy: { id: 'asc' } })
  const ids = memberships.map((membership) => membership.organizationId)
  const organizations = inOrderOf(ids, await em.find(Organization, { id: { $in: ids } }))
  return memberships.flatMap((membership, at) => {
    const organization = organizations[at]
    return organization ? [Object.assign(membership, { organization })] : []
  })
}

/** Those of them through which the user can act now: a suspended organization's members cannot. */
export async function findActingMemberships(em: EntityManager, userId: string): Promise<ActingMembership[]> {
  const memberships = await findMembershipsOf(em, userId)
  return memberships.filter(({ organization }) => !organization.suspendedAt)
}

/** The one in an organization; null where the user cannot act in it. */
export async function findActingMembership(
  em: EntityManager,
  userId: string,
  organizationId: string,
): Promise<MembershipRow | null> {
  const membership = await em.findOne(Membership, { userId, organizationId })
  const organization = membership && (await em.findOne(Organization, { id: organizationId, suspendedAt: null }))
  return organization ? membership : null
}
