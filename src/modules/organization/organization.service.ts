import type { EntityManager } from '@mikro-orm/sql'
import { grantCovers } from '../../access/scopes.ts'
import { load, type Context, type RowLoader } from '../../context.ts'
import { selectRows } from '../../database/select.ts'
import { authenticationRows, inOrderOf, tenantRows } from '../../database/tenant-rows.ts'
import { badUserInput, forbidden, notFound } from '../../errors.ts'
import type {
  CreateOrganizationInput,
  DeleteOrganizationInput,
  UpdateOrganizationInput,
} from '../../generated/resolvers.ts'
import { requiredText } from '../../input.ts'
import { countCostly } from '../../rate-limits/costly-fields.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { assertMayJoinOneMore } from '../membership/acting-membership.ts'
import { Membership } from '../membership/membership.entity.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { User } from '../user/user.entity.ts'
import { insertOrganization } from './new-organization.ts'
import { Organization, type OrganizationRow } from './organization.entity.ts'

/** Organizations by id: the current one, and those that the signed-in user is a member of. */
const organizationsById: RowLoader<string, OrganizationRow | null> = {
  async readMany(ctx, ids) {
    const current = ctx.principal?.organizationId
    const isCurrent = ids.every((id) => id === current)
    const [read, own] = isCurrent ? [tenantRows(ctx), ids] : [authenticationRows(ctx), await ownOf(ctx, ids)]
    return inOrderOf(ids, await selectRows(read, { entity: Organization, where: { id: { $in: own } } }))
  },
}

/** Those of the organizations that the signed-in user is a member of. */
async function ownOf(ctx: Context, ids: readonly string[]): Promise<string[]> {
  const where = { userId: requireUser(ctx).userId, organizationId: { $in: ids } }
  const memberships = await selectRows(authenticationRows(ctx), { entity: Membership, where })
  return memberships.map((membership) => membership.organizationId)
}

/** An organization that the principal may see, else null. */
export function findOrganization(ctx: Context, id: string): Promise<OrganizationRow | null> {
  return load(ctx, organizationsById, id)
}

/** The principal's current organization; null where the credential names none. */
export async function currentOrganization(ctx: Context): Promise<OrganizationRow | null> {
  const id = ctx.principal?.organizationId
  return id ? findOrganization(ctx, id) : null
}

/**
 * The current organization's row, locked: whoever changes who may do what in it waits here for the others, and the actor's
 * own role is read again after the wait.
 * @throws ApiError NOT_FOUND where it is gone; FORBIDDEN where the actor is no longer an ADMIN.
 */
export async function lockOrganizationAsAdmin(ctx: Context, em: EntityManager): Promise<OrganizationRow> {
  const organization = await lockOrganization(em)
  const { userId } = requireUser(ctx)
  const own = await em.findOne(Membership, { userId })
  if (own?.role !== 'ADMIN') {
    throw forbidden('INSUFFICIENT_ROLE', 'The role ADMIN is required', { required: ['ADMIN'], missing: ['ADMIN'] })
  }
  return organization
}

/** The current organization's row, locked for the transaction. @throws ApiError NOT_FOUND where it is gone. */
export async function lockOrganization(em: EntityManager): Promise<OrganizationRow> {
  const query = em.createQueryBuilder(Organization).select('id')
  await query.applyFilters()
  // NO KEY: audit events refer to the organization. With `for update` they would all wait for this lock, and a sign-in that
  // writes one while it holds its user's row would wait for a transaction that is about to make that user a member.
  await em.execute(`${query.getFormattedQuery()} for no key update`)
  const organization = await em.findOne(Organization, {})
  if (!organization) throw notFound('Organization')
  return organization
}

/**
 * A new organization of the signed-in user, who becomes its ADMIN. The current organization stays what it is; who had none so far
 * signs in to it the next time.
 * @throws ApiError RATE_LIMITED; CONFLICT where they are a member of too many.
 */
export async function createOrganization(
  ctx: Context,
  input: CreateOrganizationInput,
): Promise<{ organization: OrganizationRow }> {
  const { userId } = requireUser(ctx)
  const name = requiredText(['input', 'name'], input.name)
  await countCostly(ctx, 'createOrganization', userId)
  return ctx.rows.write('authentication', async (em) => {
    await assertMayJoinOneMore(ctx, em, userId)
    const { organization } = await insertOrganization(ctx, em, name, userId)
    await em.nativeUpdate(User, { id: userId, lastOrganizationId: null }, { lastOrganizationId: organization.id })
    return { organization }
  })
}

/** Changes the current organization. What is left out stays. @throws ApiError BAD_USER_INPUT for null where there must be a value. */
export function updateOrganization(
  ctx: Context,
  input: UpdateOrganizationInput,
): Promise<{ organization: OrganizationRow }> {
  const name = input.name === undefined ? undefined : requiredText(['input', 'name'], input.name)
  const { requiresTenantApiKey } = input
  if (requiresTenantApiKey === null) {
    throw badUserInput({ path: ['input', 'requiresTenantApiKey'], reason: 'must not be null' })
  }
  if (requiresTenantApiKey === false) assertMayLiftKeyDemand(ctx)
  return ctx.rows.write('tenant', async (em) => {
    const organization = await lockOrganizationAsAdmin(ctx, em)
    if (name !== undefined) organization.name = name
    if (requiresTenantApiKey !== undefined) organization.requiresTenantApiKey = requiresTenantApiKey
    await em.flush()
    await ctx.services.apiKeys.changed(em, organization.id)
    await audit(ctx, em, {
      action: 'organization.updated',
      target: { type: 'Organization', id: organization.id },
      details: { fields: Object.keys(input) },
    })
    return { organization }
  })
}

/** A narrow tenant API key must not free its user from needing one: what lifts the demand covers everything. */
function assertMayLiftKeyDemand(ctx: Context): void {
  if (ctx.principal?.scopes.some((held) => grantCovers(held, '*:*'))) return
  throw forbidden('INSUFFICIENT_SCOPE', 'Lifting the demand for a tenant API key takes every scope', {
    required: ['*:*'],
    missing: ['*:*'],
  })
}

/**
 * Deletes the current organization: its rows stay, and every credential for it ends at once.
 * @throws ApiError BAD_USER_INPUT where `confirmSlug` is not its slug.
 */
export function deleteOrganization(
  ctx: Context,
  input: DeleteOrganizationInput,
): Promise<{ organization: OrganizationRow }> {
  return ctx.rows.write('tenant', async (em) => {
    const organization = await lockOrganizationAsAdmin(ctx, em)
    if (input.confirmSlug !== organization.slug) {
      throw badUserInput({ path: ['input', 'confirmSlug'], reason: "must be the current organization's slug" })
    }
    organization.deletedAt = ctx.services.clock()
    await em.flush()
    await ctx.services.revocations.add(em, [{ kind: 'ORGANIZATION', subjectId: organization.id, belowVersion: null }])
    await ctx.services.apiKeys.changed(em, organization.id)
    await audit(ctx, em, { action: 'organization.deleted', target: { type: 'Organization', id: organization.id } })
    return { organization }
  })
}
