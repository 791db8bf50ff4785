import { badUserInput, forbidden } from '../errors.ts'
import { grantCovers, isGrant, type ScopeRegistry } from './scopes.ts'

const SCOPES_MAX = 100

/**
 * The scopes that somebody is to be granted, each once. What is given may be anything: a custom scalar takes any value.
 * @throws ApiError BAD_USER_INPUT that says which scopes there are, where one is malformed or covers none of them.
 */
export function grantableScopes(
  registry: ScopeRegistry,
  scopes: readonly unknown[] | null | undefined,
  path: readonly (string | number)[] = ['input', 'scopes'],
): string[] {
  if (!scopes || scopes.length === 0) throw badUserInput({ path, reason: 'must not be empty' })
  if (scopes.length > SCOPES_MAX) throw badUserInput({ path, reason: `must have at most ${SCOPES_MAX} entries` })
  const reason = `is not a known scope; known are ${registry.known.join(', ')}, and * may stand on either side`
  const isKnown = (scope: unknown): scope is string =>
    typeof scope === 'string' && isGrant(scope) && registry.expand([scope]).size > 0
  const [first, ...others] = scopes.flatMap((scope, at) => (isKnown(scope) ? [] : [{ path: [...path, at], reason }]))
  if (first) throw badUserInput(first, ...others)
  return [...new Set(scopes as readonly string[])]
}

/** Nobody grants more than they hold, wildcards included. @throws ApiError FORBIDDEN naming what is missing. */
export function assertHolds(principal: { scopes: readonly string[] } | null, wanted: readonly string[]): void {
  const held = principal?.scopes ?? []
  const missing = wanted.filter((scope) => !held.some((grant) => grantCovers(grant, scope)))
  if (missing.length === 0) return
  throw forbidden('ABOVE_OWN_SCOPES', 'Scopes can only be granted by somebody who holds them', {
    required: wanted,
    missing,
  })
}
