import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import { advisoryLocks } from '../../database/advisory-locks.ts'
import { conflict, forbidden, notFound } from '../../errors.ts'
import type { ActivateUserInput, DeactivateUserInput, SetOperatorInput } from '../../generated/resolvers.ts'
import { rowId } from '../../input.ts'
import { Session } from '../session/session.entity.ts'
import { User, type UserRow } from '../user/user.entity.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { changeAsOperator } from './operator-door.ts'
import { endAccessTokens, giveOperatorPower, takeOperatorPower } from './operator-power.ts'

interface UserPayload {
  user: UserRow
}

/**
 * The active operators, as they remain until the transaction ends: whoever changes something as an operator waits here for
 * the others, and the actor's own power is read again after the wait. Not by locking their rows: who has waited for a row
 * that is then none of an operator's holds it all the same, and that is how two transactions come to wait for each other.
 * @throws ApiError FORBIDDEN where the actor is no longer one of them.
 */
export async function lockOperators(ctx: Context, em: EntityManager): Promise<UserRow[]> {
  await em.execute('select pg_advisory_xact_lock(?)', [advisoryLocks.operators])
  const operators = await em.find(User, { isSuperuser: true, deactivatedAt: null })
  const { userId } = requireUser(ctx)
  if (operators.some((operator) => operator.id === userId)) return operators
  const needed = { required: ['OPERATOR'], missing: ['OPERATOR'] }
  throw forbidden('WRONG_KIND', 'The caller is no longer an operator', needed)
}

async function lockUser(em: EntityManager, userId: string): Promise<UserRow> {
  const id = rowId(userId)
  // Refreshed: an operator's row has been read before the lock, and a new password may have raised its token version since.
  const options = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const
  const user = id && (await em.findOne(User, { id }, options))
  if (!user) throw notFound('User')
  return user
}

/** Lets a user sign in again. What was ended stays ended. @throws ApiError NOT_FOUND */
export function activateUser(ctx: Context, input: ActivateUserInput): Promise<UserPayload> {
  const change = { action: 'user.activated', target: { type: 'User', id: input.id } } as const
  return changeAsOperator(ctx, change, async (em) => {
    await lockOperators(ctx, em)
    const user = await lockUser(em, input.id)
    user.deactivatedAt = null
    await em.flush()
    return { result: { user } }
  })
}

/**
 * Ends every session and access token of a user, on every instance at once, and refuses them any sign-in. Nobody locks
 * themselves out, so an operator remains: the one who does it.
 * @throws ApiError NOT_FOUND; CONFLICT for the own account.
 */
export function deactivateUser(ctx: Context, input: DeactivateUserInput): Promise<UserPayload> {
  const change = { action: 'user.deactivated', target: { type: 'User', id: input.id } } as const
  return changeAsOperator(ctx, change, async (em) => {
    await lockOperators(ctx, em)
    const user = await lockUser(em, input.id)
    if (user.id === requireUser(ctx).userId) throw conflict('OWN_ACCOUNT', 'Nobody deactivates their own account')
    const now = ctx.services.clock()
    user.deactivatedAt ??= now
    await endAccessTokens(ctx, em, user)
    const sessions = await em.nativeUpdate(Session, { userId: user.id, revokedAt: null }, { revokedAt: now })
    return { result: { user }, details: { sessions } }
  })
}

/**
 * Makes a user an operator, or an operator a user like others. Access tokens with the old power end on every instance at
 * once; the sessions stay, and the next token has the new power.
 * @throws ApiError NOT_FOUND; CONFLICT where no operator would remain.
 */
export function setOperator(ctx: Context, { userId, isOperator }: SetOperatorInput): Promise<UserPayload> {
  const action = isOperator ? 'user.operator_granted' : 'user.operator_revoked'
  return changeAsOperator(ctx, { action, target: { type: 'User', id: userId } }, async (em) => {
    const operators = await lockOperators(ctx, em)
    const user = await lockUser(em, userId)
    if (isOperator) await giveOperatorPower(ctx, em, user)
    else {
      if (operators.every((operator) => operator.id === user.id)) {
        throw conflict('LAST_OPERATOR', 'The last operator cannot be removed')
      }
      await takeOperatorPower(ctx, em, user)
    }
    return { result: { user } }
  })
}
