import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import { unauthenticated } from '../../errors.ts'
import type { RefreshInput } from '../../generated/resolvers.ts'
import { countCostly } from '../../rate-limits/costly-fields.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import type { SessionRow } from '../session/session.entity.ts'
import { readRefreshToken, renewSession } from '../session/session.service.ts'
import { User } from '../user/user.entity.ts'
import { completeSignIn, sessionMembership, type AuthPayloadRow } from './sign-in.ts'

const RENEWAL_REFUSALS = {
  INVALID: 'The refresh token is not accepted',
  EXPIRED: 'The session has expired',
  REVOKED: 'The session has ended',
  REUSED: 'The refresh token was used before, so the session has been ended',
} as const

/**
 * A new token pair for a refresh token, which is used up by it. User, membership and role are read anew.
 * @throws ApiError RATE_LIMITED after too many attempts; UNAUTHENTICATED; where the token was used before, the session has ended when this is thrown.
 */
export function refresh(ctx: Context, input: RefreshInput): Promise<AuthPayloadRow> {
  return ctx.services.metrics.credentials.refresh(() => renew(ctx, input))
}

async function renew(ctx: Context, input: RefreshInput): Promise<AuthPayloadRow> {
  const presented = readRefreshToken(input.refreshToken)
  // Not under its session: anybody may know a session's id, and must not be able to use up what it has.
  await countCostly(ctx, 'refresh', input.refreshToken)
  const outcome = await ctx.rows.write('authentication', async (em) => {
    const renewal = await renewSession(ctx, em, presented)
    if (!renewal.renewed) {
      if (renewal.reason === 'REUSED' && renewal.session) await auditReuse(ctx, em, renewal.session)
      return renewal
    }
    const { session, refreshToken } = renewal
    const user = await em.findOne(User, { id: session.userId, deactivatedAt: null })
    // Rolled back: the token is not used up, and nobody's session ends as reused once the account is active again.
    if (!user) throw unauthenticated('REVOKED', RENEWAL_REFUSALS.REVOKED)
    const membership = await sessionMembership(em, session)
    await audit(ctx, em, {
      action: 'session.refreshed',
      organizationId: membership?.organizationId ?? null,
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
