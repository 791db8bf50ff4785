import type { EntityManager } from '@mikro-orm/sql'
import { assertHolds } from '../../access/granting.ts'
import { load, type Context, type RowLoader } from '../../context.ts'
import { byCreation, pageOf, readConnection, type Connection, type PageArguments } from '../../database/paging.ts'
import { selectRows } from '../../database/select.ts'
import { authenticationRows, tenantRows } from '../../database/tenant-rows.ts'
import { conflict, forbidden, notFound } from '../../errors.ts'
import type { AddMemberInput, ChangeMemberRoleInput, RemoveMemberInput } from '../../generated/resolvers.ts'
import { normalizedEmail, rowId } from '../../input.ts'
import { roles, type Role } from '../../principal/principal.ts'
import { countCostly } from '../../rate-limits/costly-fields.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import type { OrganizationRow } from '../organization/organization.entity.ts'
import { findOrganization, lockOrganization, lockOrganizationAsAdmin } from '../organization/organization.service.ts'
import { User, type UserRow } from '../user/user.entity.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { findUser } from '../user/user.service.ts'
import { assertMayJoinOneMore, findMembershipsOf, type ActingMembership } from './acting-membership.ts'
import { Membership, type MembershipRow } from './membership.entity.ts'

interface MembershipPayload {
  membership: MembershipRow
}

/**
 * The members of the current organization.
 * @throws ApiError FORBIDDEN for any other organization: a role is held in one at a time.
 */
export function membersOf(
  ctx: Context,
  organization: OrganizationRow,
  args: PageArguments,
): Promise<Connection<MembershipRow>> {
  if (organization.id !== ctx.principal?.organizationId) {
    throw forbidden('NOT_THE_CURRENT_ORGANIZATION', 'Members are shown of the current organization alone')
  }
  const page = pageOf(args, byCreation)
  return readConnection(tenantRows(ctx), Membership, {}, page, byCreation)
}

/** Once an operation, however many aliases ask. */
const membershipsByUser: RowLoader<string, ActingMembership[]> = {
  readMany(ctx, userIds) {
    const { maxOrganizations } = ctx.services.config.users
    return ctx.rows.read('authentication', async (em) => {
      const found: ActingMembership[][] = []
      for (const userId of userIds) found.push(await findMembershipsOf(em, userId, maxOrganizations))
      return found
    })
  },
}

/** The signed-in user's own memberships, in every organization that is not deleted. */
export async function myMemberships(ctx: Context): Promise<MembershipRow[]> {
  return load(ctx, membershipsByUser, requireUser(ctx).userId)
}

/** The member. @throws ApiError NOT_FOUND where the membership has ended meanwhile. */
export async function userOf(ctx: Context, membership: MembershipRow): Promise<UserRow> {
  const user = membership.user ?? (await findUser(ctx, membership.userId))
  if (!user) throw notFound('User')
  return user
}

/** The organization. @throws ApiError NOT_FOUND where it has been deleted meanwhile. */
export async function organizationOf(ctx: Context, membership: MembershipRow): Promise<OrganizationRow> {
  const organization = await findOrganization(ctx, membership.organizationId)
  if (!organization) throw notFound('Organization')
  return organization
}

/** Nobody grants a role above their own, nor one of more scopes than they hold: a tenant's API key may have left them few. */
function assertMayGrant(ctx: Context, role: Role): void {
  const { role: own, scopes } = requireUser(ctx)
  if (!own || roles.indexOf(role) > roles.indexOf(own)) {
    const details = { required: [role], missing: [role] }
    throw forbidden('ABOVE_OWN_ROLE', 'A role above the own one cannot be granted', details)
  }
  assertHolds({ scopes }, ctx.services.scopes.grantsOf(role))
}

async function findMembership(em: EntityManager, membershipId: string): Promise<MembershipRow> {
  const id = rowId(membershipId)
  const membership = id && (await em.findOne(Membership, { id }))
  if (!membership) throw notFound('Membership')
  return membership
}

/** An organization always has an ADMIN who can sign in. To be asked with the organization locked. */
async function assertNotLastAdmin(em: EntityManager, leaving: MembershipRow): Promise<void> {
  if (leaving.role !== 'ADMIN') return
  const others = await em.find(Membership, { role: 'ADMIN', id: { $ne: leaving.id } })
  const ids = others.map((membership) => membership.userId)
  if ((await em.count(User, { id: { $in: ids }, deactivatedAt: null })) > 0) return
  throw conflict('LAST_ADMIN', 'The last ADMIN of an organization cannot leave it or be given a lower role')
}

/** Ends the access tokens that carry the membership as it was. */
function endTokensOf(ctx: Context, em: EntityManager, membership: MembershipRow, belowVersion: number | null) {
  return ctx.services.revocations.add(em, [{ kind: 'MEMBERSHIP', subjectId: membership.id, belowVersion }])
}

/**
 * Makes a registered user a member of the current organization.
 * @throws ApiError NOT_FOUND where nobody has registered with the address; CONFLICT where they are a member already, or of too many
 * organizations;
 * RATE_LIMITED, since it tells who has an account.
 */
export async function addMember(ctx: Context, input: AddMemberInput): Promise<MembershipPayload> {
  assertMayGrant(ctx, input.role)
  const email = normalizedEmail(input.email)
  await countCostly(ctx, 'addMember', null)
  const [user] = await selectRows(authenticationRows(ctx), { entity: User, where: { email, deactivatedAt: null } })
  if (!user) throw notFound('User')
  await ctx.rows.read('authentication', (em) => assertMayJoinOneMore(ctx, em, user.id))
  return ctx.rows.write('tenant', async (em) => {
    const organization = await lockOrganizationAsAdmin(ctx, em)
    if (await em.findOne(Membership, { userId: user.id })) {
      throw conflict('ALREADY_A_MEMBER', 'The user is a member already')
    }
    const membership = em.create(Membership, { organizationId: organization.id, userId: user.id, role: input.role })
    await em.flush()
    await audit(ctx, em, {
      action: 'membership.added',
      target: { type: 'Membership', id: membership.id },
      details: { userId: user.id, role: input.role },
    })
    return { membership }
  })
}

/** Changes a member's role. @throws ApiError NOT_FOUND; CONFLICT where it would leave no ADMIN. */
export function changeMemberRole(ctx: Context, input: ChangeMemberRoleInput): Promise<MembershipPayload> {
  assertMayGrant(ctx, input.role)
  return ctx.rows.write('tenant', async (em) => {
    await lockOrganizationAsAdmin(ctx, em)
    const membership = await findMembership(em, input.membershipId)
    if (membership.role === input.role) return { membership }
    await assertNotLastAdmin(em, membership)
    const details = { userId: membership.userId, from: membership.role, to: input.role }
    membership.role = input.role
    membership.version += 1
    await em.flush()
    await endTokensOf(ctx, em, membership, membership.version)
    await audit(ctx, em, {
      action: 'membership.role_changed',
      target: { type: 'Membership', id: membership.id },
      details,
    })
    return { membership }
  })
}

/** Ends a membership. @throws ApiError NOT_FOUND; CONFLICT where it is the last ADMIN's. */
export function removeMember(ctx: Context, input: RemoveMemberInput): Promise<MembershipPayload> {
  return ctx.rows.write('tenant', async (em) => {
    await lockOrganizationAsAdmin(ctx, em)
    const membership = await findMembership(em, input.membershipId)
    return { membership: await endMembership(ctx, em, membership, 'membership.removed') }
  })
}

/** Ends the signed-in user's own membership in the current organization. @throws ApiError CONFLICT for the last ADMIN. */
export function leaveOrganization(ctx: Context): Promise<{ organization: OrganizationRow }> {
  const { userId } = requireUser(ctx)
  return ctx.rows.write('tenant', async (em) => {
    const organization = await lockOrganization(em)
    const membership = await em.findOne(Membership, { userId })
    if (!membership) throw notFound('Membership')
    await endMembership(ctx, em, membership, 'membership.left')
    return { organization }
  })
}

async function endMembership(ctx: Context, em: EntityManager, membership: MembershipRow, action: string) {
  await assertNotLastAdmin(em, membership)
  // Kept as it was, for the answer; the row itself goes, and with it the sight of the user.
  const ended = { ...membership, user: await em.findOne(User, { id: membership.userId }) }
  await em.nativeDelete(Membership, { id: membership.id })
  await endTokensOf(ctx, em, ended, null)
  await audit(ctx, em, {
    action,
    target: { type: 'Membership', id: ended.id },
    details: { userId: ended.userId, role: ended.role },
  })
  return ended
}
