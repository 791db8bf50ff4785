import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import type { UserRow } from '../user/user.entity.ts'

/** Ends every access token of a user that has been issued so far. The user's row is to be locked, and is written. */
export async function endAccessTokens(ctx: Context, em: EntityManager, user: UserRow): Promise<void> {
  user.tokenVersion += 1
  await em.flush()
  await ctx.services.revocations.add(em, [{ kind: 'USER', subjectId: user.id, belowVersion: user.tokenVersion }])
}

/** Makes a locked user an operator; tokens without the power end, so that it is there from the next renewal on. */
export async function giveOperatorPower(ctx: Context, em: EntityManager, user: UserRow): Promise<void> {
  if (user.isSuperuser) return
  user.isSuperuser = true
  await endAccessTokens(ctx, em, user)
}

/** Ends a locked user's power and the tokens that carry it. That an operator remains is for the caller to see to. */
export async function takeOperatorPower(ctx: Context, em: EntityManager, user: UserRow): Promise<void> {
  if (!user.isSuperuser) return
  user.isSuperuser = false
  await endAccessTokens(ctx, em, user)
}
