import { grantCovers, isGrant, type ScopeRegistry } from '../../access/scopes.ts'
import type { Config } from '../../config.ts'
import { badUserInput, forbidden } from '../../errors.ts'

export const DESCRIPTION_MAX = 2_000
export const SERVICE_MAX = 100
const SCOPES_MAX = 100
const RATE_LIMIT_MAX = 1_000_000
const DAY_MS = 86_400_000

/**
 * The scopes that a key is to have, each once. What is given may be anything: a custom scalar takes any value.
 * @throws ApiError BAD_USER_INPUT that says which scopes there are, where one is malformed or covers none of them.
 */
export function grantableScopes(
  registry: ScopeRegistry,
  scopes: readonly unknown[] | null | undefined,
  path: readonly string[] = ['input', 'scopes'],
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
  throw forbidden('ABOVE_OWN_SCOPES', 'A key cannot be given scopes that its creator does not hold', {
    required: wanted,
    missing,
  })
}

/** When a key made at `createdAt` must have ended; null where nothing demands an end. */
export function latestExpiry(
  { production, apiKeys }: Pick<Config, 'production' | 'apiKeys'>,
  createdAt: Date,
): Date | null {
  return production ? new Date(createdAt.getTime() + apiKeys.maxTtlDays * DAY_MS) : null
}

/**
 * When a key is to end; null: never.
 * @throws ApiError BAD_USER_INPUT where that has passed, or is later than `latest`.
 */
export function expiry(expiresAt: Date | null | undefined, now: Date, latest: Date | null): Date | null {
  const path = ['input', 'expiresAt']
  if (latest && !expiresAt)
    throw badUserInput({ path, reason: `is required, and at the latest ${latest.toISOString()}` })
  if (!expiresAt) return null
  if (expiresAt <= now) throw badUserInput({ path, reason: 'must be in the future' })
  if (latest && expiresAt > latest)
    throw badUserInput({ path, reason: `must be at the latest ${latest.toISOString()}` })
  return expiresAt
}

/** Requests a minute; null: the server's default. @throws ApiError BAD_USER_INPUT where it is out of bounds. */
export function rateLimit(perMinute: number | null | undefined): number | null {
  if (perMinute == null) return null
  if (perMinute >= 1 && perMinute <= RATE_LIMIT_MAX) return perMinute
  throw badUserInput({ path: ['input', 'rateLimitPerMinute'], reason: `must be from 1 to ${RATE_LIMIT_MAX}` })
}
