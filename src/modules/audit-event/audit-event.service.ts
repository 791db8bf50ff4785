import type { EntityManager } from '@mikro-orm/sql'
import type { Logger } from 'pino'
import type { Context } from '../../context.ts'
import { newId } from '../../database/columns.ts'
import { afterCommit } from '../../database/tenancy.ts'
import type { PrincipalKind } from '../../principal/principal.ts'

/** What happened. Nothing that a client typed belongs in here. */
export interface Happening {
  /** `resource.past_participle`. */
  action: string
  succeeded?: boolean
  /** The organization it happened in; by default the principal's current one. */
  organizationId?: string | null
  /** Who did it; by default the principal. */
  actorId?: string | null
  /** What the actor is where that is given; a user by default. */
  actorKind?: PrincipalKind
  target?: { type: string; id: string }
  details?: Record<string, string | number | boolean | readonly string[] | null>
}

/** Who acts, and from where: the context of a request is one. */
export interface Acting {
  readonly principal: Context['principal']
  readonly request: Readonly<Record<'ipAddress' | 'userAgent' | 'requestId', string | null>>
  readonly services: Pick<Context['services'], 'clock' | 'log'>
}

/** For what the server does of itself, at nobody's request: its events have no actor. */
export function theServerItself(log: Logger, clock: () => Date): Acting {
  return { principal: null, request: { ipAddress: null, userAgent: null, requestId: null }, services: { clock, log } }
}

/** What deserves a second look: logged as a warning. */
const SECURITY_ACTIONS = new Set([
  'user.login_failed',
  'session.reuse_detected',
  'authorization.denied',
  'user.password_change_failed',
  'api_key.expiring',
])

const INSERT = `
  insert into audit_events (id, created_at, organization_id, action, actor_kind, actor_id, target_type, target_id,
    succeeded, details, ip_address, user_agent, request_id)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/**
 * Records an event in the transaction of `em`, so that a change and its record are committed together, and logs it
 * once they are.
 * What fails is recorded in a transaction of its own, after the roll-back: {@link auditApart}.
 */
export async function audit(ctx: Acting, em: EntityManager, happening: Happening): Promise<void> {
  const { principal, request } = ctx
  const event = {
    action: happening.action,
    succeeded: happening.succeeded ?? true,
    organizationId:
      happening.organizationId === undefined ? (principal?.organizationId ?? null) : happening.organizationId,
    actorKind:
      happening.actorId === undefined
        ? (principal?.kind ?? null)
        : happening.actorId
          ? (happening.actorKind ?? 'USER')
          : null,
    actorId: happening.actorId === undefined ? (principal?.subject ?? null) : happening.actorId,
    targetType: happening.target?.type ?? null,
    targetId: happening.target?.id ?? null,
    details: happening.details ?? null,
  }
  // In SQL: the ORM's inserts read columns back, and sign-in may write events, not read them.
  await em.execute(INSERT, [
    newId(),
    ctx.services.clock(),
    event.organizationId,
    event.action,
    event.actorKind,
    event.actorId,
    event.targetType,
    event.targetId,
    event.succeeded,
    event.details && JSON.stringify(event.details),
    request.ipAddress,
    request.userAgent,
    request.requestId,
  ])
  const level = SECURITY_ACTIONS.has(event.action) ? 'warn' : 'info'
  afterCommit(em, () => ctx.services.log[level]({ requestId: ctx.request.requestId, event }, event.action))
}

/** Records what no transaction of its own stands behind: a refusal, a failed sign-in. Whoever is answered late is recorded, too. */
export async function auditApart(ctx: Context, happening: Happening): Promise<void> {
  await ctx.rows.record('authentication', (em) => audit(ctx, em, happening))
}
