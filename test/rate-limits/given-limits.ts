import { pino } from 'pino'
import { ApiError } from '../../src/errors.ts'
import { openRateLimits, type Quota, type RateLimits } from '../../src/rate-limits/rate-limits.ts'
import { REDIS_URL, type Answer, type TestServer } from '../harness.ts'

/** The limits of one more instance on the server's database. Windows end after a second unless told otherwise. */
export function givenLimits(
  server: TestServer,
  { windowSeconds = 1, redisUrl = REDIS_URL }: { windowSeconds?: number; redisUrl?: string | null | undefined } = {},
): Promise<RateLimits> {
  const { database, config } = server.app.services
  const redis = redisUrl ? { url: redisUrl, keyPrefix: config.rateLimits.redis?.keyPrefix ?? 'test:' } : null
  return openRateLimits({
    database,
    log: pino({ level: 'silent' }),
    config: { ...config.rateLimits, redis },
    windowSeconds,
  })
}

/** Takes as often at once from each of the instances. @returns how many passed. */
export async function takeAtOnce(
  instances: readonly RateLimits[],
  times: number,
  limit: { subject: string; perMinute: number },
): Promise<number> {
  const taken = await Promise.all(
    instances.flatMap((instance) => Array.from({ length: times }, () => passes(instance, limit))),
  )
  return taken.filter(Boolean).length
}

/** Whether one more passes. */
export async function passes(
  limits: RateLimits,
  limit: { subject: string; perMinute: number },
  tell?: (quota: Quota) => void,
): Promise<boolean> {
  try {
    await limits.take({ policy: 'test', ...limit }, tell)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.code === 'RATE_LIMITED') return false
    throw error
  }
}

/** The answers that were refused for their number. */
export const refusedOf = (answers: readonly Answer[]): Answer[] =>
  answers.filter((answer) => answer.errors.some(({ extensions }) => extensions.code === 'RATE_LIMITED'))
