import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { continueAs, type Context } from '../../context.ts'
import { badUserInput, conflict, forbidden, unauthenticated } from '../../errors.ts'
import type {
  ChangePasswordInput,
  LoginInput,
  RefreshInput,
  RegisterInput,
  SwitchOrganizationInput,
} from '../../generated/resolvers.ts'
import { normalizedEmail, optionalText, rowId } from '../../input.ts'
import { userPrincipal } from '../../principal/user-principal.ts'
import { audit, auditApart } from '../audit-event/audit-event.service.ts'
import { findActingMemberships, type ActingMembership } from '../membership/acting-membership.ts'
import { insertOrganization } from '../organization/new-organization.ts'
import type { OrganizationRow } from '../organization/organization.entity.ts'
import type { SessionRow } from '../session/session.entity.ts'
import {
  findCurrentSession,
  liveSessionsOf,
  readRefreshToken,
  renewSession,
  replaceRefreshToken,
  revokeSessions,
  startSession,
} from '../session/session.service.ts'
import { requireUser } from '../user/user.service.ts'
import { User, type UserRow } from '../user/user.entity.ts'
import { Password } from './authentication.entity.ts'
import { checkPassword } from './password-policy.ts'
import { countAttempt, forgetFailures } from './sign-in-throttle.ts'

/** A token pair, and whose it is. */
export interface AuthPayloadRow {
  accessToken: string
  refreshToken: string
  tokenType: string
  expiresIn: number
  user: UserRow
  organization: OrganizationRow | null
}

/** A session that has just been started or renewed, with what its access token will say. */
interface SignedIn {
  session: SessionRow
  refreshToken: string
  user: UserRow
  membership: ActingMembership | null
}

const wrongCredentials = () => unauthenticated('INVALID_CREDENTIALS', 'The e-mail address or the password is not right')

/** Issues the access token; the rest of the operation runs as who has just signed in (access.md §6). */
async function completeSignIn(ctx: Context, signedIn: SignedIn): Promise<AuthPayloadRow> {
  const { session, refreshToken, user, membership } = signedIn
  const { accessTokens, scopes, config } = ctx.services
  const principal = userPrincipal(scopes, {
    userId: user.id,
    email: user.email,
    sessionId: session.id,
    isOperator: user.isSuperuser,
    organizationId: membership?.organizationId ?? null,
    membershipId: membership?.id ?? null,
    role: membership?.role ?? null,
  })
  const { token } = accessTokens.issue({
    sub: user.id,
    sid: session.id,
    email: user.email,
    organization: principal.organizationId,
    membership: principal.membershipId,
    membershipVersion: membership?.version ?? 0,
    userVersion: user.tokenVersion,
    role: principal.role,
    scope: principal.scopes.join(' '),
    operator: user.isSuperuser,
  })
  await continueAs(ctx, principal)
  return {
    accessToken: token,
    refreshToken,
    tokenType: 'Bearer',
    expiresIn: config.tokens.accessTtlSeconds,
    user,
    organization: membership?.organization ?? null,
  }
}

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
 * @throws ApiError BAD_USER_INPUT for a password that the policy refuses; CONFLICT where the e-mail address is taken.
 */
export async function register(ctx: Context, input: RegisterInput): Promise<AuthPayloadRow> {
  const email = normalizedEmail(input.email)
  const organizationName = optionalText(['input', 'organizationName'], input.organizationName)
  const firstName = optionalText(['input', 'firstName'], input.firstName)
  const lastName = optionalText(['input', 'lastName'], input.lastName)
  assertGoodPassword(ctx, ['input', 'password'], input.password, email, organizationName)
  await countAttempt(ctx, null)
  const hash = await ctx.services.passwords.hash(input.password)
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
  return completeSignIn(ctx, signedIn)
}

/**
 * Signs a user in. An unknown address, a wrong password and a deactivated account are answered alike, after the same work.
 * @throws ApiError UNAUTHENTICATED; RATE_LIMITED after too many failures; FORBIDDEN where the user cannot act in
 * `organizationId`.
 */
export async function login(ctx: Context, input: LoginInput): Promise<AuthPayloadRow> {
  const email = normalizedEmail(input.email)
  await countAttempt(ctx, email)
  const account = await ctx.rows.write('authentication', async (em) => {
    const user = await em.findOne(User, { email, deactivatedAt: null })
    const password = user && (await em.findOne(Password, { userId: user.id }))
    return user && password ? { userId: user.id, hash: password.hash } : null
  })
  const verdict = await ctx.services.passwords.verify(input.password, account?.hash ?? null)
  const rehashed = verdict.needsRehash ? await ctx.services.passwords.hash(input.password) : null
  const signedIn = account && verdict.ok ? await startLogin(ctx, account, rehashed, input.organizationId) : null
  if (!signedIn) {
    await auditApart(ctx, {
      action: 'user.login_failed',
      succeeded: false,
      actorId: account?.userId ?? null,
      organizationId: null,
    })
    throw wrongCredentials()
  }
  await forgetFailures(ctx, email)
  return completeSignIn(ctx, signedIn)
}

/** The part of a login that needs the rows. Null where the account changed while its password was compared. */
function startLogin(
  ctx: Context,
  account: { userId: string; hash: string },
  rehashed: string | null,
  organizationId: string | null | undefined,
): Promise<SignedIn | null> {
  return ctx.rows.write('authentication', async (em) => {
    // Locked: a deactivation or a new password either ends the session that starts here, or is seen here.
    const user = await em.findOne(
      User,
      { id: account.userId, deactivatedAt: null },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    )
    const password = await em.findOne(Password, { userId: account.userId, hash: account.hash })
    if (!user || !password) return null
    const memberships = await findActingMemberships(em, user.id)
    const membership = currentMembership(memberships, organizationId ?? null, user.lastOrganizationId ?? null)
    if (rehashed) password.hash = rehashed
    user.lastLoginAt = ctx.services.clock()
    user.lastOrganizationId = membership?.organizationId ?? null
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
 * The membership whose organization becomes the current one: the one asked for, else the one used last, else the oldest.
 * @throws ApiError FORBIDDEN where the one asked for is none of theirs; whether it exists is not told.
 */
function currentMembership(
  memberships: readonly ActingMembership[],
  wanted: string | null,
  usedLast: string | null,
): ActingMembership | null {
  const of = (id: string | null) => memberships.find((membership) => membership.organizationId === id)
  if (wanted === null) return of(usedLast) ?? memberships[0] ?? null
  const found = of(rowId(wanted))
  if (!found) throw forbidden('NOT_A_MEMBER', 'The user is not a member of the organization')
  return found
}

const RENEWAL_REFUSALS = {
  INVALID: 'The refresh token is not accepted',
  EXPIRED: 'The session has expired',
  REVOKED: 'The session has ended',
  REUSED: 'The refresh token was used before, so the session has been ended',
} as const

/**
 * A new token pair for a refresh token, which is used up by it. User, membership and role are read anew.
 * @throws ApiError UNAUTHENTICATED; where the token was used before, the session has ended when this is thrown.
 */
export async function refresh(ctx: Context, input: RefreshInput): Promise<AuthPayloadRow> {
  const presented = readRefreshToken(input.refreshToken)
  const outcome = await ctx.rows.write('authentication', async (em) => {
    const renewal = await renewSession(ctx, em, presented)
    if (!renewal.renewed) {
      if (renewal.reason === 'REUSED' && renewal.session) await auditReuse(ctx, em, renewal.session)
      return renewal
    }
    const { session, refreshToken } = renewal
    const user = await em.findOne(User, { id: session.userId, deactivatedAt: null })
    if (!user) return { renewed: false as const, reason: 'REVOKED' as const }
    const membership = currentMembership(await findActingMemberships(em, user.id), null, session.organizationId ?? null)
    if (session.organizationId !== membership?.organizationId)
      session.organizationId = membership?.organizationId ?? null
    await em.flush()
    await audit(ctx, em, {
      action: 'session.refreshed',
      organizationId: session.organizationId ?? null,
      actorId: user.id,
      target: { type: 'Session', id: session.id },
    })
    return { renewed: true as const, signedIn: { session, refreshToken, user, membership } }
  })
  // What fails must not take its own record with it: the outcome is committed, and thrown after that.
  if (!outcome.renewed) throw unauthenticated(outcome.reason, RENEWAL_REFUSALS[outcome.reason])
  return completeSignIn(ctx, outcome.signedIn)
}

function auditReuse(ctx: Context, em: EntityManager, session: SessionRow): Promise<void> {
  return audit(ctx, em, {
    action: 'session.reuse_detected',
    succeeded: false,
    organizationId: session.organizationId ?? null,
    actorId: session.userId,
    target: { type: 'Session', id: session.id },
  })
}

/**
 * Sets a new password. Every other session of the user ends, and so does every access token issued before.
 * @throws ApiError UNAUTHENTICATED where the current password is wrong; BAD_USER_INPUT where the policy refuses the new one.
 */
export async function changePassword(ctx: Context, input: ChangePasswordInput): Promise<AuthPayloadRow> {
  const principal = requireUser(ctx)
  assertGoodPassword(ctx, ['input', 'newPassword'], input.newPassword, principal.email, null)
  await countAttempt(ctx, principal.email)
  const stored = await ctx.rows.write('authentication', (em) => em.findOne(Password, { userId: principal.userId }))
  const { ok } = await ctx.services.passwords.verify(input.currentPassword, stored?.hash ?? null)
  if (!ok || !stored) {
    await auditApart(ctx, { action: 'user.password_change_failed', succeeded: false })
    throw wrongCredentials()
  }
  const hash = await ctx.services.passwords.hash(input.newPassword)
  const signedIn = await ctx.rows.write('authentication', async (em) => {
    const user = await em.findOneOrFail(User, { id: principal.userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
    const changed = await em.nativeUpdate(Password, { userId: user.id, hash: stored.hash }, { hash })
    if (changed !== 1) throw conflict('CHANGED_MEANWHILE', 'The password has been changed meanwhile')
    const session = await findCurrentSession(ctx, em, principal)
    const others = (await liveSessionsOf(ctx, em, user.id)).filter((other) => other.id !== session.id)
    await revokeSessions(ctx, em, others)
    user.tokenVersion += 1
    await ctx.services.revocations.add(em, [{ kind: 'USER', subjectId: user.id, belowVersion: user.tokenVersion }])
    const refreshToken = await replaceRefreshToken(ctx, em, session)
    await audit(ctx, em, { action: 'user.password_changed', details: { endedSessions: others.length } })
    const membership = currentMembership(await findActingMemberships(em, user.id), null, session.organizationId ?? null)
    return { session, refreshToken, user, membership }
  })
  await forgetFailures(ctx, principal.email)
  return completeSignIn(ctx, signedIn)
}

/**
 * Makes another of the user's organizations the current one of this session.
 * @throws ApiError FORBIDDEN where the user cannot act in it.
 */
export async function switchOrganization(ctx: Context, input: SwitchOrganizationInput): Promise<AuthPayloadRow> {
  const principal = requireUser(ctx)
  const signedIn = await ctx.rows.write('authentication', async (em) => {
    const user = await em.findOneOrFail(User, { id: principal.userId })
    const membership = currentMembership(await findActingMemberships(em, user.id), input.organizationId, null)
    const session = await findCurrentSession(ctx, em, principal)
    session.organizationId = membership?.organizationId ?? null
    user.lastOrganizationId = session.organizationId
    const refreshToken = await replaceRefreshToken(ctx, em, session)
    await audit(ctx, em, { action: 'session.organization_switched', organizationId: session.organizationId })
    return { session, refreshToken, user, membership }
  })
  return completeSignIn(ctx, signedIn)
}
