import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import { inOrderOf } from '../../database/tenant-rows.ts'
import { conflict } from '../../errors.ts'
import { Organization, type OrganizationRow } from '../organization/organization.entity.ts'
import { Membership, type MembershipRow } from './membership.entity.ts'

/** A membership with its organization. What is here reaches across tenants: for the authentication door. */
export type ActingMembership = MembershipRow & { organization: OrganizationRow }

// Joined, since whoever makes and deletes organizations stays a member of all of them.
const LIVE = `
  from memberships m join organizations o on o.id = m.organization_id
  where m.user_id = ? and o.deleted_at is null`
const OLDEST_LIVE = `select m.id ${LIVE} order by m.id limit ?`
const OLDEST_ACTING = `select m.id ${LIVE} and o.suspended_at is null order by m.id limit ?`
const COUNT_LIVE = `select count(*)::int as n ${LIVE}`

/** The user's memberships in organizations that are not deleted, oldest first, at most so many. */
export function findMembershipsOf(em: EntityManager, userId: string, most: number): Promise<ActingMembership[]> {
  return findOldest(em, OLDEST_LIVE, userId, most)
}

/** The one in an organization that is not deleted; null where there is none. */
export async function findMembershipIn(
  em: EntityManager,
  userId: string,
  organizationId: string,
): Promise<ActingMembership | null> {
  const [membership] = await withOrganizations(em, await em.find(Membership, { userId, organizationId }))
  return membership ?? null
}

/** The one in an organization; null where the user cannot act in it: a suspended organization's members cannot. */
export async function findActingMembership(
  em: EntityManager,
  userId: string,
  organizationId: string,
): Promise<ActingMembership | null> {
  const membership = await findMembershipIn(em, userId, organizationId)
  return membership?.organization.suspendedAt ? null : membership
}

/** The oldest one through which the user can act. */
export async function findOldestActingMembership(em: EntityManager, userId: string): Promise<ActingMembership | null> {
  const [membership] = await findOldest(em, OLDEST_ACTING, userId, 1)
  return membership ?? null
}

/**
 * Whether a user can be a member of one more organization. Anybody can be made one, and what lists them must not become slow.
 * Several at once may each be the last that is let in.
 * @throws ApiError CONFLICT where they are members of too many
 */
export async function assertMayJoinOneMore(ctx: Context, em: EntityManager, userId: string): Promise<void> {
  const { maxOrganizations } = ctx.services.config.users
  const [live] = await em.execute<{ n: number }[]>(COUNT_LIVE, [userId])
  if (live && live.n < maxOrganizations) return
  throw conflict('TOO_MANY_ORGANIZATIONS', `Nobody can be a member of more than ${maxOrganizations} organizations`)
}

async function findOldest(em: EntityManager, sql: string, userId: string, most: number): Promise<ActingMembership[]> {
  const ids = (await em.execute<{ id: string }[]>(sql, [userId, most])).map(({ id }) => id)
  return withOrganizations(em, await em.find(Membership, { id: { $in: ids } }, { orderBy: { id: 'asc' } }))
}

async function withOrganizations(em: EntityManager, memberships: MembershipRow[]): Promise<ActingMembership[]> {
  const ids = memberships.map((membership) => membership.organizationId)
  const organizations = inOrderOf(ids, await em.find(Organization, { id: { $in: ids } }))
  return memberships.flatMap((membership, at) => {
    const organization = organizations[at]
    return organization ? [Object.assign(membership, { organization })] : []
  })
}
