import { forbidden, unauthenticated, type ApiError } from '../errors.ts'
import { roles, type PrincipalKind, type Role } from '../principal/principal.ts'
import type { Powers } from './powers.ts'

/** What is needed, all of it together. Nothing needed is `nothing`: anyone may. */
export interface Requirement {
  readonly authenticated: boolean
  /** One kind of each list. */
  readonly kinds: readonly (readonly PrincipalKind[])[]
  /** At least this role. */
  readonly role: Role | null
  /** Every one of these. */
  readonly scopes: readonly string[]
  /** At least one of each group. */
  readonly anyOf: readonly (readonly string[])[]
}

export type DenialReason = 'MISSING' | 'WRONG_KIND' | 'INSUFFICIENT_ROLE' | 'INSUFFICIENT_SCOPE'

/** Why access is refused. Alternatives are one entry, joined by ` | `. */
export interface Denial {
  /** MISSING: there is no principal at all. */
  readonly reason: DenialReason
  readonly required: readonly string[]
  readonly missing: readonly string[]
}

export const nothing: Requirement = { authenticated: false, kinds: [], role: null, scopes: [], anyOf: [] }

/** True when anyone may, without a credential. */
export function isPublic(requirement: Requirement): boolean {
  return !requirement.authenticated
}

/** A requirement from its parts; whatever asks for a kind, a role or a scope asks for a principal. */
export function requirementOf(parts: Partial<Omit<Requirement, 'authenticated'>>): Requirement {
  return { ...nothing, ...parts, authenticated: true }
}

/** All the requirements together: AND, with repeats dropped. */
export function combine(...all: readonly Requirement[]): Requirement {
  const role = all.reduce<Role | null>((highest, one) => (rank(one.role) > rank(highest) ? one.role : highest), null)
  return {
    authenticated: all.some((one) => one.authenticated),
    kinds: distinctLists(all.flatMap((one) => one.kinds)),
    role,
    scopes: [...new Set(all.flatMap((one) => one.scopes))].sort(),
    anyOf: distinctLists(all.flatMap((one) => one.anyOf)),
  }
}

/** Null when the powers suffice, else what was required and what of it is missing. Null powers: nobody is signed in. */
export function evaluate(requirement: Requirement, powers: Powers | null): Denial | null {
  if (!requirement.authenticated) return null
  if (powers === null) return { reason: 'MISSING', required: requirementTerms(requirement), missing: [] }
  const kinds = requirement.kinds.filter((list) => !list.some((kind) => powers.kinds.has(kind)))
  const role = holdsRole(requirement.role, powers) ? null : requirement.role
  const scopes = requirement.scopes.filter((scope) => !powers.scopes.has(scope))
  const anyOf = requirement.anyOf.filter((group) => !group.some((scope) => powers.scopes.has(scope)))
  if (kinds.length === 0 && role === null && scopes.length === 0 && anyOf.length === 0) return null
  return {
    reason: kinds.length > 0 ? 'WRONG_KIND' : role !== null ? 'INSUFFICIENT_ROLE' : 'INSUFFICIENT_SCOPE',
    required: requirementTerms(requirement),
    missing: requirementTerms({ authenticated: true, kinds, role, scopes, anyOf }),
  }
}

/** The error that the caller sees; `what` is the coordinate that was refused. */
export function denialError(what: string, denial: Denial): ApiError {
  if (denial.reason === 'MISSING') return unauthenticated('MISSING', `${what} requires authentication`)
  const { required, missing } = denial
  return forbidden(denial.reason, `${what} requires ${missing.map((term) => `\`${term}\``).join(' and ')}`, {
    required,
    missing,
  })
}

/** The requirement in words of its own: kinds, the role, scopes; alternatives joined by ` | `. */
export function requirementTerms(requirement: Requirement): string[] {
  const { kinds, role, scopes, anyOf } = requirement
  const alternatives = [...kinds, ...anyOf].map((list) => list.join(' | '))
  return [
    ...alternatives.slice(0, kinds.length),
    ...(role ? [role] : []),
    ...scopes,
    ...alternatives.slice(kinds.length),
  ]
}

/** Roles are held through memberships alone, so whoever is not a user holds none, whatever its powers say. */
function holdsRole(atLeast: Role | null, powers: Powers): boolean {
  return atLeast === null || (powers.kinds.has('USER') && rank(powers.role) >= rank(atLeast))
}

/** How high a role is; -1 for none. */
function rank(role: Role | null): number {
  return (roles as readonly (Role | null)[]).indexOf(role)
}

function distinctLists<T extends string>(lists: readonly (readonly T[])[]): (readonly T[])[] {
  const sorted = lists.map((list) => [...new Set(list)].sort())
  return [...new Map(sorted.map((list) => [list.join(' '), list])).values()]
}
