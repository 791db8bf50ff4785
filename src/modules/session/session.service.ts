import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { CLOCK_LEEWAY_SECONDS } from '../../clock.ts'
import { load, type Context, type RowLoader } from '../../context.ts'
import { newId } from '../../database/columns.ts'
import { notFound, unauthenticated } from '../../errors.ts'
import { rowId } from '../../input.ts'
import type { UserPrincipal } from '../../principal/principal.ts'
import {
  hashOf,
  isGenuine,
  newRefreshToken,
  newReuseKey,
  newSuccessorNonce,
  parseRefreshToken,
  successorOf,
  type RefreshToken,
} from '../../principal/refresh-token.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { Session, type SessionRow } from './session.entity.ts'

const inSeconds = (from: Date, seconds: number) => new Date(from.getTime() + seconds * 1_000)

/** The idle limit moves with each use, and never past the absolute one. */
function idleLimit(ctx: Context, expiresAt: Date): Date {
  const idle = inSeconds(ctx.services.clock(), ctx.services.config.tokens.refreshIdleTtlSeconds)
  return idle < expiresAt ? idle : expiresAt
}

/**
 * Starts a session: one row, which the login's refresh tokens are renewed in. Where it is one too many, the one that has not been used
 * for longest ends: whoever knows a password could start so many that nobody can end them all any more.
 */
export async function startSession(
  ctx: Context,
  em: EntityManager,
  userId: string,
  organizationId: string | null,
): Promise<{ session: SessionRow; refreshToken: string }> {
  const now = ctx.services.clock()
  const id = newId()
  const reuseKey = newReuseKey()
  const { token, hash } = newRefreshToken(id, reuseKey)
  const expiresAt = inSeconds(now, ctx.services.config.tokens.refreshAbsoluteTtlSeconds)
  const session = em.create(Session, {
    id,
    userId,
    organizationId,
    tokenHash: hash,
    reuseKey,
    lastUsedAt: now,
    idleExpiresAt: idleLimit(ctx, expiresAt),
    expiresAt,
    userAgent: ctx.request.userAgent,
    ipAddress: ctx.request.ipAddress,
  })
  await em.flush()
  await endSurplus(ctx, em, session)
  return { session, refreshToken: token }
}

/** Ends what is more than a user may have beside the session. */
async function endSurplus(ctx: Context, em: EntityManager, { id, userId }: SessionRow): Promise<void> {
  const others = { id: { $ne: id }, userId, ...aliveAt(ctx.services.clock()) }
  const offset = ctx.services.config.users.maxSessions - 1
  const surplus = { orderBy: { lastUsedAt: 'desc', id: 'desc' }, offset, limit: 1_000 } as const
  await revokeSessions(ctx, em, await em.find(Session, others, surplus))
}

/** What became of a presented refresh token. A reuse is committed, although the request fails. */
export type Renewal =
  | { renewed: true; session: SessionRow; refreshToken: string }
  | { renewed: false; reason: 'INVALID' | 'EXPIRED' | 'REVOKED' | 'REUSED'; session: SessionRow | null }

/** @throws ApiError UNAUTHENTICATED where the text is no refresh token. */
export function readRefreshToken(text: string): RefreshToken {
  const presented = parseRefreshToken(text)
  if (!presented) throw unauthenticated('MALFORMED', 'The refresh token is not accepted')
  return presented
}

/**
 * Renews a session by its refresh token. Of several requests with the same token one claims it; the others get the same
 * successor within the grace window. Outside it, a token that was once valid ends the session.
 */
export async function renewSession(ctx: Context, em: EntityManager, presented: RefreshToken): Promise<Renewal> {
  const found = await em.findOne(Session, { id: presented.sessionId })
  // Somebody who knows a session's id, and no token of it, can neither learn its state nor end it.
  if (!found || !isGenuine(presented, found.reuseKey)) return { renewed: false, reason: 'INVALID', session: null }
  const now = ctx.services.clock()
  const nonce = newSuccessorNonce()
  const presentedHash = hashOf(presented.secret)
  const successor = successorOf(presented, nonce, found.reuseKey)
  const claimed = await em.nativeUpdate(
    Session,
    { id: found.id, tokenHash: presentedHash, ...aliveAt(now) },
    {
      tokenHash: successor.hash,
      previousTokenHash: presentedHash,
      successorNonce: nonce,
      rotatedAt: now,
      lastUsedAt: now,
      idleExpiresAt: idleLimit(ctx, found.expiresAt),
    },
  )
  const session = await em.refresh(found)
  if (!session) return { renewed: false, reason: 'INVALID', session: null }
  if (claimed === 1) return { renewed: true, session, refreshToken: successor.token }
  return judgeUnclaimed(ctx, em, session, presented)
}

/** The token is not the session's current one, or the session has ended. */
async function judgeUnclaimed(
  ctx: Context,
  em: EntityManager,
  session: SessionRow,
  presented: RefreshToken,
): Promise<Renewal> {
  const now = ctx.services.clock()
  const ended = (reason: 'INVALID' | 'EXPIRED' | 'REVOKED' | 'REUSED'): Renewal => ({ renewed: false, reason, session })
  if (session.revokedAt) return ended('REVOKED')
  if (session.expiresAt <= now || session.idleExpiresAt <= now) return ended('EXPIRED')
  if (hashOf(presented.secret) === session.previousTokenHash && isInGrace(ctx, session, now)) {
    if (!session.successorNonce) return ended('INVALID')
    const successor = successorOf(presented, session.successorNonce, session.reuseKey)
    return { renewed: true, session, refreshToken: successor.token }
  }
  // RFC 9700 §4.14.2: we cannot tell thief from owner, so reuse ends the family.
  await revokeSessions(ctx, em, [session])
  return ended('REUSED')
}

/** Whether the last rotation was just now. One that lies ahead was made by a clock that has been set back since. */
function isInGrace(ctx: Context, { rotatedAt }: SessionRow, now: Date): boolean {
  const { refreshGraceSeconds } = ctx.services.config.tokens
  // Without a window nothing is in it, by however much two instances' clocks differ.
  if (!rotatedAt || refreshGraceSeconds === 0) return false
  return rotatedAt <= inSeconds(now, CLOCK_LEEWAY_SECONDS) && now < inSeconds(rotatedAt, refreshGraceSeconds)
}

/** Gives a session a new refresh token without its old one being presented: the old one ends, and its reuse is one. */
export async function replaceRefreshToken(ctx: Context, em: EntityManager, session: SessionRow): Promise<string> {
  const { token, hash } = newRefreshToken(session.id, session.reuseKey)
  const now = ctx.services.clock()
  Object.assign(session, {
    previousTokenHash: session.tokenHash,
    tokenHash: hash,
    successorNonce: null,
    rotatedAt: now,
    lastUsedAt: now,
    idleExpiresAt: idleLimit(ctx, session.expiresAt),
  })
  await em.flush()
  return token
}

/** Ends sessions, their refresh tokens at once and their access tokens on every instance. */
export async function revokeSessions(ctx: Context, em: EntityManager, sessions: readonly SessionRow[]): Promise<void> {
  if (sessions.length === 0) return
  const revokedAt = ctx.services.clock()
  for (const session of sessions) session.revokedAt = revokedAt
  await em.nativeUpdate(Session, { id: { $in: sessions.map((session) => session.id) } }, { revokedAt })
  await ctx.services.revocations.add(
    em,
    sessions.map((session) => ({ kind: 'SESSION', subjectId: session.id, belowVersion: null })),
  )
}

/** A user's sessions that a refresh token could still renew, newest first. */
export function liveSessionsOf(ctx: Context, em: EntityManager, userId: string): Promise<SessionRow[]> {
  return sessionsAliveAt(em, userId, ctx.services.clock())
}

/** Sessions that are not revoked and had not expired at that time. */
function sessionsAliveAt(em: EntityManager, userId: string, time: Date): Promise<SessionRow[]> {
  return em.find(Session, { userId, ...aliveAt(time) }, { orderBy: { id: 'desc' } })
}

const aliveAt = (time: Date) => ({ revokedAt: null, idleExpiresAt: { $gt: time }, expiresAt: { $gt: time } })

/** Once an operation, however many aliases ask. */
const sessionsByUser: RowLoader<string, SessionRow[]> = {
  readMany: (ctx, userIds) =>
    ctx.rows.read('authentication', async (em) => {
      const found: SessionRow[][] = []
      for (const userId of userIds) found.push(await liveSessionsOf(ctx, em, userId))
      return found
    }),
}

/** The signed-in user's own live sessions. */
export function mySessions(ctx: Context): Promise<SessionRow[]> {
  return load(ctx, sessionsByUser, requireUser(ctx).userId)
}

/** The session that the request's access token belongs to, locked for what changes it. @throws ApiError UNAUTHENTICATED where it has ended. */
export async function findCurrentSession(
  ctx: Context,
  em: EntityManager,
  principal: UserPrincipal,
): Promise<SessionRow> {
  // Locked: a refresh beside it has either renewed the session before it is read, or finds its token used up.
  const lock = { lockMode: LockMode.PESSIMISTIC_WRITE }
  const { userId, sessionId: id } = principal
  const current = await em.findOne(Session, { id, userId, ...aliveAt(ctx.services.clock()) }, lock)
  if (!current) throw unauthenticated('REVOKED', 'The session has ended')
  return current
}

/** Ends the current session, or every session of the user. */
export function logout(ctx: Context, everywhere: boolean): Promise<{ revokedSessions: number }> {
  const principal = requireUser(ctx)
  return ctx.rows.write('authentication', async (em) => {
    // A session that has expired may have left an access token behind, which has to end as well.
    const longestToken = inSeconds(ctx.services.clock(), -2 * ctx.services.config.tokens.accessTtlSeconds)
    const live = await sessionsAliveAt(em, principal.userId, longestToken)
    const ending = everywhere ? live : live.filter((session) => session.id === principal.sessionId)
    await revokeSessions(ctx, em, ending)
    await audit(ctx, em, { action: 'user.logged_out', details: { everywhere, sessions: ending.length } })
    return { revokedSessions: ending.length }
  })
}

/** Ends the session of a refresh token, also of one that has been renewed since; nothing for one that is made up. */
export function revokeByRefreshToken(ctx: Context, presented: RefreshToken): Promise<void> {
  return ctx.rows.write('authentication', async (em) => {
    // Locked: of several at once, one ends it.
    const lock = { lockMode: LockMode.PESSIMISTIC_WRITE }
    const session = await em.findOne(Session, { id: presented.sessionId, revokedAt: null }, lock)
    if (!session || !isGenuine(presented, session.reuseKey)) return
    await revokeSessions(ctx, em, [session])
    await audit(ctx, em, {
      action: 'session.revoked',
      organizationId: session.organizationId ?? null,
      actorId: session.userId,
      target: { type: 'Session', id: session.id },
    })
  })
}

/** Ends one of the signed-in user's own sessions. @throws ApiError NOT_FOUND for any other. */
export function revokeSession(ctx: Context, id: string): Promise<{ session: SessionRow }> {
  const principal = requireUser(ctx)
  return ctx.rows.write('authentication', async (em) => {
    const live = await liveSessionsOf(ctx, em, principal.userId)
    const session = live.find((candidate) => candidate.id === rowId(id))
    if (!session) throw notFound('Session')
    await revokeSessions(ctx, em, [session])
    await audit(ctx, em, { action: 'session.revoked', target: { type: 'Session', id: session.id } })
    return { session }
  })
}
