import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Context } from '../../context.ts'
import { ApiError, badUserInput, conflict } from '../../errors.ts'
import type {
  ChangePasswordInput,
  LoginInput,
  RegisterInput,
  SwitchOrganizationInput,
} from '../../generated/resolvers.ts'
import { newId } from '../../database/columns.ts'
import { countCostly } from '../../rate-limits/costly-fields.ts'
import { EMAIL_MAX, normalizedEmail, optionalText, requiredText } from '../../input.ts'
import { audit, auditApart } from '../audit-event/audit-event.service.ts'
import { insertOrganization } from '../organization/new-organization.ts'
import { currentOrganization } from '../organization/organization.service.ts'
import {
  findCurrentSession,
  liveSessionsOf,
  replaceRefreshToken,
  revokeSessions,
  startSession,
} from '../session/session.service.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { User } from '../user/user.entity.ts'
import { Password } from './authentication.entity.ts'
import { checkPassword } from './password-policy.ts'
import {
  completeSignIn,
  findActiveUser,
  lastMembership,
  lockActiveUser,
  sessionMembership,
  wantedMembership,
  wrongCredentials,
  type AuthPayloadRow,
  type SignedIn,
} from './sign-in.ts'
import { countAttempt } from './sign-in-throttle.ts'

function assertGoodPassword(
  ctx: Context,
  path: string[],
  password: string,
  email: string,
  organization: string | null,
) {
  const reason = checkPassword(password, { email, organizationName: organization }, ctx.services.config.passwords)
  if (reason) throw badUserInput({ path, reason: `the password ${reason}` })
}

/**
 * Makes a user, and with `organizationName` an organization whose ADMIN they are, and signs them in.
 * @throws ApiError BAD_USER_INPUT for a password that the policy refuses; CONFLICT where the e-mail address is taken;
 * RATE_LIMITED after too many attempts.
 */
export function register(ctx: Context, input: RegisterInput): Promise<AuthPayloadRow> {
  return ctx.services.metrics.credentials.signIn('register', () => makeUser(ctx, input))
}

async function makeUser(ctx: Context, input: RegisterInput): Promise<AuthPayloadRow> {
  const email = requiredText(['input', 'email'], normalizedEmail(input.email), EMAIL_MAX)
  await countCostly(ctx, 'register', email)
  const organizationName = optionalText(['input', 'organizationName'], input.organizationName)
  const firstName = optionalText(['input', 'firstName'], input.firstName)
  const lastName = optionalText(['input', 'lastName'], input.lastName)
  assertGoodPassword(ctx, ['input', 'password'], input.password, email, organizationName)
  const attempt = await countAttempt(ctx, null)
  const hash = await attempt.look(() => ctx.services.passwords.hash(input.password, ctx.request.deadline))
  const signedIn = await ctx.rows
    .write('authentication', async (em) => {
      const now = ctx.services.clock()
      const user = em.create(User, { email, firstName, lastName, lastLoginAt: now })
      await em.flush()
      em.create(Password, { userId: user.id, hash })
      const membership = organizationName ? await insertOrganization(ctx, em, organizationName, user.id) : null
      user.lastOrganizationId = membership?.organizationId ?? null
      await em.flush()
      const organizationId = membership?.organizationId ?? null
      await audit(ctx, em, {
        action: 'user.registered',
        organizationId,
        actorId: user.id,
        target: { type: 'User', id: user.id },
      })
      return { ...(await startSession(ctx, em, user.id, organizationId)), user, membership }
    })
    .catch((error: unknown) => {
      if (error instanceof UniqueConstraintViolationException) {
        throw conflict('EMAIL_TAKEN', 'There is already an account with this e-mail address')
      }
      throw error
    })
  await attempt.succeeded()
  return completeSignIn(ctx, signedIn)
}

/**
 * Signs a user in. An unknown address, a wrong password and a deactivated account are answered alike, after the same work.
 * @throws ApiError UNAUTHENTICATED; RATE_LIMITED after too many attempts or failures; FORBIDDEN where the user cannot act in
 * `organizationId`.
 */
export function login(ctx: Context, input: LoginInput): Promise<AuthPayloadRow> {
  return ctx.services.metrics.credentials.signIn('login', () => checkAndSignIn(ctx, input))
}

async function checkAndSignIn(ctx: Context, input: LoginInput): Promise<AuthPayloadRow> {
  const email = normalizedEmail(input.email)
  await countCostly(ctx, 'login', email)
  const attempt = await countAttempt(ctx, email)
  const { account, verdict } = await attempt.look(async () => {
    const found = await findAccount(ctx, email)
    const verdict = await ctx.services.passwords.verify(input.password, found?.hash ?? null, ctx.request.deadline)
    return { account: found, verdict }
  })
  // The password was right: whatever else refuses the login, it was no guess.
  if (account && verdict.ok) await attempt.succeeded()
  const rehashed = verdict.needsRehash ? await renewedHash(ctx, input.password) : null
  const signedIn =
    account && verdict.ok
      ? await startLogin(ctx, account, rehashed, input.organizationId).catch(async (error: unknown) => {
          await auditLoginFailure(ctx, account.userId)
          throw error
        })
      : null
  if (!signedIn) {
    await auditLoginFailure(ctx, account?.userId ?? null)
    throw wrongCredentials()
  }
  return completeSignIn(ctx, signedIn)
}

/** Null where too many passwords are being hashed: the old one is good until the next login. */
async function renewedHash(ctx: Context, password: string): Promise<string | null> {
  return ctx.services.passwords.hash(password, ctx.request.deadline).catch((error: unknown) => {
    if (error instanceof ApiError && error.code === 'RATE_LIMITED') return null
    throw error
  })
}

function findAccount(ctx: Context, email: string): Promise<{ userId: string; hash: string } | null> {
  return ctx.rows.write('authentication', async (em) => {
    const user = await em.findOne(User, { email, deactivatedAt: null })
    // Looked for in any case: one statement less would tell by the time that there is no such account.
    const password = await em.findOne(Password, { userId: user?.id ?? newId() })
    return user && password ? { userId: user.id, hash: password.hash } : null
  })
}

const auditLoginFailure = (ctx: Context, actorId: string | null) =>
  auditApart(ctx, { action: 'user.login_failed', succeeded: false, actorId, organizationId: null })

/** The part of a login that needs the rows. Null where the account changed while its password was compared. */
function startLogin(
  ctx: Context,
  account: { userId: string; hash: string },
  rehashed: string | null,
  organizationId: string | null | undefined,
): Promise<SignedIn | null> {
  return ctx.rows.write('authentication', async (em) => {
    const user = await findActiveUser(em, account.userId)
    const password = await em.findOne(Password, { userId: account.userId, hash: account.hash })
    if (!user || !password) return null
    const isAskedFor = organizationId !== null && organizationId !== undefined
    const membership = isAskedFor ? await wantedMembership(em, user.id, organizationId) : await lastMembership(em, user)
    if (rehashed) password.hash = rehashed
    user.lastLoginAt = ctx.services.clock()
    if (membership) user.lastOrganizationId = membership.organizationId
    await em.flush()
    const started = await startSession(ctx, em, user.id, membership?.organizationId ?? null)
    await audit(ctx, em, {
      action: 'user.logged_in',
      organizationId: membership?.organizationId ?? null,
      actorId: user.id,
      target: { type: 'Session', id: started.session.id },
    })
    return { ...started, user, membership }
  })
}

/**
 * Sets a new password. Every other session of the user ends, and so does every access token issued before.
 * @throws ApiError UNAUTHENTICATED where the current password is wrong; BAD_USER_INPUT where the policy refuses the new one;
 * RATE_LIMITED after too many attempts.
 */
export async function changePassword(ctx: Context, input: ChangePasswordInput): Promise<AuthPayloadRow> {
  const principal = requireUser(ctx)
  const { passwords } = ctx.services
  const { deadline } = ctx.request
  await countCostly(ctx, 'changePassword', principal.userId)
  const organizationName = (await currentOrganization(ctx))?.name ?? null
  assertGoodPassword(ctx, ['input', 'newPassword'], input.newPassword, principal.email, organizationName)
  const attempt = await countAttempt(ctx, principal.email)
  const { stored, ok } = await attempt.look(async () => {
    const stored = await ctx.rows.write('authentication', (em) => em.findOne(Password, { userId: principal.userId }))
    return { stored, ...(await passwords.verify(input.currentPassword, stored?.hash ?? null, deadline)) }
  })
  if (!ok || !stored) {
    await auditApart(ctx, { action: 'user.password_change_failed', succeeded: false })
    throw wrongCredentials()
  }
  await attempt.succeeded()
  const hash = await passwords.hash(input.newPassword, deadline)
  const signedIn = await ctx.rows.write('authentication', async (em) => {
    const user = await lockActiveUser(em, principal.userId)
    const changed = await em.nativeUpdate(Password, { userId: user.id, hash: stored.hash }, { hash })
    if (changed !== 1) throw conflict('CHANGED_MEANWHILE', 'The password has been changed meanwhile')
    const session = await findCurrentSession(ctx, em, principal)
    const others = (await liveSessionsOf(ctx, em, user.id)).filter((other) => other.id !== session.id)
    await revokeSessions(ctx, em, others)
    user.tokenVersion += 1
    await ctx.services.revocations.add(em, [{ kind: 'USER', subjectId: user.id, belowVersion: user.tokenVersion }])
    const refreshToken = await replaceRefreshToken(ctx, em, session)
    await audit(ctx, em, { action: 'user.password_changed', details: { endedSessions: others.length } })
    const membership = await sessionMembership(em, session)
    return { session, refreshToken, user, membership }
  })
  return completeSignIn(ctx, signedIn)
}

/**
 * Makes another of the user's organizations the current one of this session.
 * @throws ApiError FORBIDDEN where the user cannot act in it.
 */
export async function switchOrganization(ctx: Context, input: SwitchOrganizationInput): Promise<AuthPayloadRow> {
  const principal = requireUser(ctx)
  const signedIn = await ctx.rows.write('authentication', async (em) => {
    const user = await lockActiveUser(em, principal.userId)
    const membership = await wantedMembership(em, user.id, input.organizationId)
    const session = await findCurrentSession(ctx, em, principal)
    session.organizationId = membership.organizationId
    user.lastOrganizationId = membership.organizationId
    const refreshToken = await replaceRefreshToken(ctx, em, session)
    await audit(ctx, em, { action: 'session.organization_switched', organizationId: session.organizationId })
    return { session, refreshToken, user, membership }
  })
  return completeSignIn(ctx, signedIn)
}
