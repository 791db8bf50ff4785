import { makePowers } from '../access/powers.ts'
import type { ScopeRegistry } from '../access/scopes.ts'
import type { Role, UserPrincipal } from './principal.ts'

interface SignedIn {
  userId: string
  email: string
  sessionId: string
  isOperator: boolean
  organizationId: string | null
  membershipId: string | null
  role: Role | null
}

/** A person as a principal: the scopes are those of the role in the current organization (access.md §7). */
export function userPrincipal(registry: ScopeRegistry, user: SignedIn): UserPrincipal {
  const { isOperator, ...facts } = user
  const kind = isOperator ? 'OPERATOR' : 'USER'
  const scopes = user.role ? registry.grantsOf(user.role) : []
  return { ...facts, kind, subject: user.userId, scopes, powers: makePowers(kind, user.role, scopes, registry) }
}

/** The user, acting for no organization. */
export function withoutOrganization(registry: ScopeRegistry, user: UserPrincipal): UserPrincipal {
  const nothing = { organizationId: null, membershipId: null, role: null, scopes: [] }
  return { ...user, ...nothing, powers: makePowers(user.kind, nothing.role, nothing.scopes, registry) }
}
