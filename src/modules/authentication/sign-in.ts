import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { continueAs, type Context } from '../../context.ts'
import { forbidden, unauthenticated } from '../../errors.ts'
import { rowId } from '../../input.ts'
import { PUBLIC_CLIENT_ID } from '../../principal/access-token-claims.ts'
import { userPrincipal, withoutOrganization } from '../../principal/user-principal.ts'
import {
  findActingMembership,
  findMembershipIn,
  findOldestActingMembership,
  type ActingMembership,
} from '../membership/acting-membership.ts'
import type { OrganizationRow } from '../organization/organization.entity.ts'
import type { SessionRow } from '../session/session.entity.ts'
import { User, type UserRow } from '../user/user.entity.ts'

/** A token pair, and whose it is. */
export interface AuthPayloadRow {
  accessToken: string
  refreshToken: string
  tokenType: string
  expiresIn: number
  /** What the access token grants, separated by spaces. */
  scope: string
  user: UserRow
  organization: OrganizationRow | null
}

/** A session that has just been started or renewed, with what its access token will say. */
export interface SignedIn {
  session: SessionRow
  refreshToken: string
  user: UserRow
  membership: ActingMembership | null
}

/** Unknown address, wrong password, deactivated account: one answer. */
export const wrongCredentials = () =>
  unauthenticated('INVALID_CREDENTIALS', 'The e-mail address or the password is not right')

/** Locked: a deactivation or a new password either ends what starts here, or is seen here. */
export function findActiveUser(em: EntityManager, id: string): Promise<UserRow | null> {
  return em.findOne(User, { id, deactivatedAt: null }, { lockMode: LockMode.PESSIMISTIC_WRITE })
}

/** The same for who is signed in. @throws ApiError UNAUTHENTICATED where they have been deactivated meanwhile. */
export async function lockActiveUser(em: EntityManager, id: string): Promise<UserRow> {
  const user = await findActiveUser(em, id)
  // Else a token would be issued with a version that the deactivation does not end.
  if (!user) throw unauthenticated('REVOKED', 'The account is not active')
  return user
}

/** Issues the access token; the rest of the operation runs as who has just signed in (access.md §6). */
export async function completeSignIn(ctx: Context, signedIn: SignedIn): Promise<AuthPayloadRow> {
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
  const scope = principal.scopes.join(' ')
  const { token } = accessTokens.issue({
    kind: 'USER',
    sub: user.id,
    client_id: PUBLIC_CLIENT_ID,
    sid: session.id,
    email: user.email,
    organization: principal.organizationId,
    membership: principal.membershipId,
    membershipVersion: membership?.version ?? 0,
    userVersion: user.tokenVersion,
    role: principal.role,
    scope,
    operator: user.isSuperuser,
  })
  // Signing in brings no key: where the organization demands one, the answer shows none of its rows either.
  const withheld = membership?.organization.requiresTenantApiKey ?? false
  await continueAs(ctx, withheld ? withoutOrganization(scopes, principal) : principal)
  return {
    accessToken: token,
    refreshToken,
    tokenType: 'Bearer',
    expiresIn: config.tokens.accessTtlSeconds,
    scope,
    user,
    organization: membership?.organization ?? null,
  }
}

/**
 * The membership in the session's own organization; null once the user cannot act in it. Another organization is never
 * taken instead: what a client goes on writing would land in it unasked. Once they can act in it again, it is back.
 */
export async function sessionMembership(
  em: EntityManager,
  { userId, organizationId }: SessionRow,
): Promise<ActingMembership | null> {
  return organizationId ? findActingMembership(em, userId, organizationId) : null
}

/**
 * The membership in an organization that is asked for.
 * @throws ApiError FORBIDDEN where it is none of theirs; whether it exists is not told.
 */
export async function wantedMembership(em: EntityManager, userId: string, wanted: string): Promise<ActingMembership> {
  const id = rowId(wanted)
  const found = id && (await findActingMembership(em, userId, id))
  if (!found) throw forbidden('NOT_A_MEMBER', 'The user is not a member of the organization')
  return found
}

/**
 * The membership that a sign-in takes up again: in the organization used last, else the oldest. None while the one used last is
 * suspended: anybody can make somebody a member, and would have what they go on writing.
 */
export async function lastMembership(
  em: EntityManager,
  { id, lastOrganizationId }: UserRow,
): Promise<ActingMembership | null> {
  const last = lastOrganizationId ? await findMembershipIn(em, id, lastOrganizationId) : null
  if (last) return last.organization.suspendedAt ? null : last
  return findOldestActingMembership(em, id)
}
