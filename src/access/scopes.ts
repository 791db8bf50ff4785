import { roles, type Role } from '../principal/principal.ts'

const word = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*'
const scopePattern = new RegExp(`^${word}:${word}$`)
const grantPattern = new RegExp(`^(?:\\*|${word}):(?:\\*|${word})$`)

/** What the server knows of scopes: which there are, what a grant comes to, and what each role holds. */
export interface ScopeRegistry {
  /** Every declared scope, sorted. */
  readonly known: readonly string[]
  /** True for a declared scope; a wildcard is never one. */
  isKnown(scope: string): boolean
  /** The known scopes that the grants cover. What is malformed or unknown covers nothing. */
  expand(granted: Iterable<string>): ReadonlySet<string>
  /** The grants that a role holds, wildcards kept. */
  grantsOf(role: Role): readonly string[]
}

/** True for `action:resource`, lower case, hyphens allowed, without a wildcard. */
export function isScope(text: string): boolean {
  return scopePattern.test(text)
}

/** True for a scope, and for one with `*` on either side. */
export function isGrant(text: string): boolean {
  return grantPattern.test(text)
}

/** True when whoever holds `held` also holds all that `wanted` stands for, now and later. */
export function grantCovers(held: string, wanted: string): boolean {
  if (!isGrant(held) || !isGrant(wanted)) return false
  const [heldAction, heldResource] = split(held)
  const [action, resource] = split(wanted)
  return (heldAction === '*' || heldAction === action) && (heldResource === '*' || heldResource === resource)
}

/** What both lists grant, wildcards kept: `read:*` and `*:projects` have `read:projects` in common. */
export function intersectGrants(one: readonly string[], other: readonly string[]): readonly string[] {
  const common = new Set<string>()
  for (const left of one) for (const right of other) addCommon(common, left, right)
  return [...common].sort()
}

/**
 * Gathers the declared scopes, each with the least role that holds it.
 * @throws Error that names every scope that is malformed, declared with an unknown role, or that says a role
 * which does not decide: VIEWER holds `read:*`, so a read scope cannot be kept for a higher one.
 */
export function createScopeRegistry(declared: Readonly<Record<string, Role>>): ScopeRegistry {
  const mistakes = Object.entries(declared).flatMap(([scope, role]) => mistakesOf(scope, role))
  if (mistakes.length > 0) throw new Error(`Scopes are declared wrongly:\n${mistakes.join('\n')}`)
  const known = Object.keys(declared).sort()
  const knownSet = new Set(known)
  const grants = new Map(roles.map((role) => [role, grantsOfRole(role, declared)]))
  return {
    known,
    isKnown: (scope) => knownSet.has(scope),
    expand: (granted) => {
      const held = [...granted]
      return new Set(known.filter((scope) => held.some((grant) => grantCovers(grant, scope))))
    },
    grantsOf: (role) => grants.get(role) ?? [],
  }
}

function grantsOfRole(role: Role, declared: Readonly<Record<string, Role>>): readonly string[] {
  if (role === 'ADMIN') return ['*:*']
  const own = Object.keys(declared).filter(
    (scope) => !grantCovers('read:*', scope) && roles.indexOf(declared[scope] ?? 'ADMIN') <= roles.indexOf(role),
  )
  return ['read:*', ...own.sort()]
}

function mistakesOf(scope: string, role: Role): string[] {
  if (!isScope(scope)) return [`${scope}: not of the form action:resource`]
  if (!roles.includes(role)) return [`${scope}: unknown role ${role}`]
  if (grantCovers('read:*', scope) && role !== 'VIEWER') return [`${scope}: VIEWER holds read:*, so say VIEWER`]
  return []
}

function addCommon(common: Set<string>, left: string, right: string): void {
  if (!isGrant(left) || !isGrant(right)) return
  const [leftAction, leftResource] = split(left)
  const [rightAction, rightResource] = split(right)
  const action = commonWord(leftAction, rightAction)
  const resource = commonWord(leftResource, rightResource)
  if (action !== null && resource !== null) common.add(`${action}:${resource}`)
}

function commonWord(left: string, right: string): string | null {
  if (left === '*') return right
  return right === '*' || left === right ? left : null
}

function split(grant: string): [action: string, resource: string] {
  const colon = grant.indexOf(':')
  return [grant.slice(0, colon), grant.slice(colon + 1)]
}
