import type { EntityManager } from '@mikro-orm/sql'
import { assertHolds } from '../../access/granting.ts'
import type { Context } from '../../context.ts'
import { byCreation, pageOf, readConnection, type Connection, type PageArguments } from '../../database/paging.ts'
import { lockRow, tenantRows } from '../../database/tenant-rows.ts'
import { conflict } from '../../errors.ts'
import type { DisableIssuerInput, RegisterIssuerInput } from '../../generated/resolvers.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { lockOrganizationAsAdmin } from '../organization/organization.service.ts'
import type { UserRow } from '../user/user.entity.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { findUser } from '../user/user.service.ts'
import { newIssuer } from './issuer-input.ts'
import { Issuer, type IssuerRow } from './issuer.entity.ts'

/** Each is somewhere that the server may be made to ask for keys, every 30 seconds at most. */
const MOST_IN_FORCE = 20

/** A page of the current organization's issuers, disabled ones included, in the order of their registration. */
export function listIssuers(ctx: Context, args: PageArguments): Promise<Connection<IssuerRow>> {
  return readConnection(tenantRows(ctx), Issuer, {}, pageOf(args, byCreation), byCreation)
}

/** Who registered the issuer; null where they are no longer a member. */
export function creatorOf(ctx: Context, issuer: IssuerRow): Promise<UserRow | null> {
  return findUser(ctx, issuer.createdById)
}

/**
 * Accepts the tokens of an issuer from now on, for the current organization and no other.
 * @throws ApiError BAD_USER_INPUT; FORBIDDEN for scopes that the actor does not hold; CONFLICT where the organization has
 * the issuer already, or too many.
 */
export async function registerIssuer(ctx: Context, input: RegisterIssuerInput): Promise<{ issuer: IssuerRow }> {
  const settings = newIssuer(ctx.services, input)
  // What the scope map grants beyond them is never granted.
  assertHolds(ctx.principal, settings.maxScopes)
  return ctx.rows.write('tenant', async (em) => {
    const organization = await lockOrganizationAsAdmin(ctx, em)
    await assertRoomFor(em, settings.issuer)
    const createdById = requireUser(ctx).userId
    const createdAt = ctx.services.clock()
    const issuer = em.create(Issuer, { ...settings, organizationId: organization.id, createdById, createdAt })
    await em.flush()
    await audit(ctx, em, {
      action: 'issuer.registered',
      target: { type: 'Issuer', id: issuer.id },
      details: { maxScopes: settings.maxScopes, algorithms: settings.algorithms },
    })
    return { issuer }
  })
}

/** The organization is locked: nobody else registers one meanwhile. */
async function assertRoomFor(em: EntityManager, name: string): Promise<void> {
  const inForce = await em.find(Issuer, { disabledAt: null }, { fields: ['issuer'] })
  if (inForce.some(({ issuer }) => issuer === name)) {
    throw conflict('ISSUER_REGISTERED', 'The organization has registered this issuer')
  }
  if (inForce.length >= MOST_IN_FORCE) {
    throw conflict('TOO_MANY_ISSUERS', `An organization has at most ${MOST_IN_FORCE} issuers`)
  }
}

/** Ends the trust in an issuer, on every instance at once; the row stays. Ending it again changes nothing. @throws ApiError NOT_FOUND */
export function disableIssuer(ctx: Context, input: DisableIssuerInput): Promise<{ issuer: IssuerRow }> {
  return ctx.rows.write('tenant', async (em) => {
    await lockOrganizationAsAdmin(ctx, em)
    const issuer = await lockRow(em, Issuer, input.id)
    if (issuer.disabledAt) return { issuer }
    issuer.disabledAt = ctx.services.clock()
    await em.flush()
    await ctx.services.registeredIssuers.changed(em, issuer.id)
    await audit(ctx, em, { action: 'issuer.disabled', target: { type: 'Issuer', id: issuer.id } })
    return { issuer }
  })
}
