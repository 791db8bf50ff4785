import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import { conflict, notFound } from '../../errors.ts'
import type {
  ReinstateOrganizationInput,
  SetOrganizationExternalIdInput,
  SuspendOrganizationInput,
} from '../../generated/resolvers.ts'
import { optionalText, rowId } from '../../input.ts'
import { Organization, type OrganizationRow } from '../organization/organization.entity.ts'
import { changeAsOperator } from './operator-door.ts'
import { lockOperators } from './user-administration.ts'

const REASON_MAX = 2_000
const EXTERNAL_ID_MAX = 255

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

/**
 * Sets what issuers call an organization: their tokens speak for it from the next request on, on every instance, and those
 * that know it by its name of before no longer do.
 * @throws ApiError NOT_FOUND; CONFLICT where another organization has it; BAD_USER_INPUT
 */
export function setOrganizationExternalId(
  ctx: Context,
  input: SetOrganizationExternalIdInput,
): Promise<OrganizationPayload> {
  const externalId = optionalText(['input', 'externalId'], input.externalId, EXTERNAL_ID_MAX)
  const change = { action: 'organization.external_id_set', target: { type: 'Organization', id: input.id } } as const
  return changeAsOperator(ctx, change, async (em) => {
    // Operators change one at a time, so what is free here stays free until it is taken below.
    await lockOperators(ctx, em)
    const organization = await lockAnyOrganization(em, input.id)
    if (externalId !== null && (await em.findOne(Organization, { externalId, id: { $ne: organization.id } }))) {
      throw conflict('EXTERNAL_ID_TAKEN', 'Another organization has this external id')
    }
    organization.externalId = externalId
    await em.flush()
    await ctx.services.apiKeys.changed(em, organization.id)
    return { result: { organization }, organizationId: organization.id, details: { isSet: externalId !== null } }
  })
}
