import type { Config } from '../../config.ts'
import { badUserInput } from '../../errors.ts'

export const DESCRIPTION_MAX = 2_000
export const SERVICE_MAX = 100
const DAY_MS = 86_400_000

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
export function rateLimit({ rateLimits }: Config, perMinute: number | null | undefined): number | null {
  if (perMinute == null) return null
  if (perMinute >= 1 && perMinute <= rateLimits.apiKeyMax) return perMinute
  throw badUserInput({ path: ['input', 'rateLimitPerMinute'], reason: `must be from 1 to ${rateLimits.apiKeyMax}` })
}
