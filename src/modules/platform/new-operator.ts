import { LockMode } from '@mikro-orm/core'
import type { Context } from '../../context.ts'
import { badUserInput, conflict, notFound } from '../../errors.ts'
import { normalizedEmail, optionalText } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { Password } from '../authentication/authentication.entity.ts'
import { checkPassword } from '../authentication/password-policy.ts'
import { User, type UserRow } from '../user/user.entity.ts'
import { giveOperatorPower } from './operator-power.ts'

/**
 * How a platform gets its first operator: by whoever has the database, at the command line. No field of the API leads here.
 * The account is made through the door of sign-in, and its power given through that of the operators: neither can do both.
 */
export interface NewOperator {
  email: string
  password: string
  firstName: string | null
  lastName: string | null
}

/**
 * Makes an account that is an operator's.
 * @throws ApiError BAD_USER_INPUT for a password that the policy refuses; CONFLICT where the e-mail address is taken.
 */
export async function createOperator(ctx: Context, input: NewOperator): Promise<UserRow> {
  const email = normalizedEmail(input.email)
  const firstName = optionalText(['firstName'], input.firstName)
  const lastName = optionalText(['lastName'], input.lastName)
  const refusal = checkPassword(input.password, { email, organizationName: null }, ctx.services.config.passwords)
  if (refusal) throw badUserInput({ path: ['password'], reason: refusal })
  const hash = await ctx.services.passwords.hash(input.password)
  await ctx.rows.write('authentication', async (em) => {
    if (await em.findOne(User, { email })) {
      throw conflict('EMAIL_TAKEN', 'There is already an account with this e-mail address')
    }
    const user = em.create(User, { email, firstName, lastName })
    await em.flush()
    em.create(Password, { userId: user.id, hash })
    await em.flush()
    await audit(ctx, em, { action: 'user.registered', actorId: null, target: { type: 'User', id: user.id } })
  })
  return (await promoteOperator(ctx, email)).user
}

/**
 * Makes a user an operator. @returns the user, and whether they have only now become one.
 * @throws ApiError NOT_FOUND where nobody has registered with the address; CONFLICT for a deactivated account.
 */
export function promoteOperator(ctx: Context, email: string): Promise<{ user: UserRow; promoted: boolean }> {
  return ctx.rows.write('operator', async (em) => {
    const lock = { lockMode: LockMode.PESSIMISTIC_WRITE } as const
    const user = await em.findOne(User, { email: normalizedEmail(email) }, lock)
    if (!user) throw notFound('User with this e-mail address')
    if (user.deactivatedAt) throw conflict('DEACTIVATED', 'The account is deactivated')
    if (user.isSuperuser) return { user, promoted: false }
    await giveOperatorPower(ctx, em, user)
    await audit(ctx, em, { action: 'user.operator_granted', actorId: null, target: { type: 'User', id: user.id } })
    return { user, promoted: true }
  })
}
