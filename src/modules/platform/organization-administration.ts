import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import { notFound } from '../../errors.ts'
import type { ReinstateOrganizationInput, SuspendOrganizationInput } from '../../generated/resolvers.ts'
import { optionalText, rowId } from '../../input.ts'
import { Organization, type OrganizationRow } from '../organization/organization.entity.ts'
import { changeAsOperator } from './operator-door.ts'
import { lockOperators } from './user-administration.ts'

const REASON_MAX = 2_000

interface OrganizationPayload {
  organization: OrganizationRow
}

async function lockAnyOrganization(em: EntityManager, organizationId: string): Promise<OrganizationRow> {
  const id = rowId(organizationId)
  const organization = id && (await em.findOne(Organization, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE }))
  if (!organization) throw notFound('Organization')
  return organization
}

/**
 * Refuses every credential for an organization, on every instance at once; its rows stay as they are. A second suspension
 * keeps the first one's time, and takes a new reason where one is given.
 * @throws ApiError NOT_FOUND
 */
export function suspendOrganization(ctx: Context, input: SuspendOrganizationInput): Promise<OrganizationPayload> {
  const reason = optionalText(['input', 'reason'], input.reason, REASON_MAX)
  const change = { action: 'organization.suspended', target: { type: 'Organization', id: input.id } } as const
  return changeAsOperator(ctx, change, async (em) => {
    await lockOperators(ctx, em)
    const organization = await lockAnyOrganization(em, input.id)
    organization.suspendedAt ??= ctx.services.clock()
    organization.suspensionReason = reason ?? organization.suspensionReason ?? null
    await em.flush()
    await ctx.services.revocations.add(em, [{ kind: 'ORGANIZATION', subjectId: organization.id, belowVersion: null }])
    await ctx.services.apiKeys.changed(em, organization.id)
    return { result: { organization }, organizationId: organization.id }
  })
}

/**
 * Lets an organization work again, on every instance at once: with the access tokens of before too, where they have not
 * expired.
 * @throws ApiError NOT_FOUND, for a deleted organization as well: what ended with it stays ended.
 */
export function reinstateOrganization(ctx: Context, input: ReinstateOrganizationInput): Promise<OrganizationPayload> {
  const change = { action: 'organization.reinstated', target: { type: 'Organization', id: input.id } } as const
  return changeAsOperator(ctx, change, async (em) => {
    await lockOperators(ctx, em)
    // Locked, so that a deletion is either seen here or revokes after the lift.
    const organization = await lockAnyOrganization(em, input.id)
    organization.suspendedAt = null
    organization.suspensionReason = null
    await em.flush()
    await ctx.services.revocations.lift(em, { kind: 'ORGANIZATION', subjectId: organization.id })
    await ctx.services.apiKeys.changed(em, organization.id)
    return { result: { organization }, organizationId: organization.id }
  })
}
