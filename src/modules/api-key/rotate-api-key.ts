import { assertHolds } from '../../access/granting.ts'
import type { Context } from '../../context.ts'
import { badUserInput, conflict } from '../../errors.ts'
import type { RotateApiKeyInput } from '../../generated/resolvers.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { requireUser } from '../../principal/require-principal.ts'
import type { ApiKeyRow } from './api-key.entity.ts'
import { endingAt } from './api-key-expiry.ts'
import { latestExpiry } from './api-key-input.ts'
import { lockApiKey, statusOf } from './api-key.service.ts'
import { insertApiKey, type ApiKeyWithSecret } from './create-api-key.ts'

const earliest = (...dates: (Date | null | undefined)[]): Date | null =>
  dates.reduce<Date | null>((first, date) => (date && (!first || date < first) ? date : first), null)

/** A rotated key lives as long again as the old one was made for, within what the server allows. */
function successorsExpiry(ctx: Context, key: ApiKeyRow, now: Date): Date | null {
  const lifetimeMs = key.expiresAt && key.expiresAt.getTime() - key.createdAt.getTime()
  const again = lifetimeMs == null ? null : new Date(now.getTime() + lifetimeMs)
  return earliest(again, latestExpiry(ctx.services.config, now))
}

function overlapOf(input: RotateApiKeyInput): number {
  const { overlapSeconds } = input
  if (overlapSeconds != null && overlapSeconds >= 0) return overlapSeconds
  throw badUserInput({ path: ['input', 'overlapSeconds'], reason: 'must be 0 or more' })
}

/** Of two rotations at once, the second one finds the first's key. */
function assertRotatable(ctx: Context, key: ApiKeyRow): void {
  const status = statusOf(ctx, key)
  if (status !== 'ACTIVE') throw conflict(`API_KEY_${status}`, `The API key is ${status.toLowerCase()}`)
  if (key.rotatedToId) throw conflict('API_KEY_ROTATED', 'The API key has been rotated already')
}

/**
 * A new key with the old one's settings and its rate limit. The old one goes on working for the overlap, and never longer
 * than it would have.
 * @throws ApiError NOT_FOUND; BAD_USER_INPUT; CONFLICT for a key that is revoked, expired, inactive or rotated already;
 * FORBIDDEN for scopes that the actor, who gets the secret, does not hold.
 */
export async function rotateApiKey(
  ctx: Context,
  input: RotateApiKeyInput,
): Promise<ApiKeyWithSecret & { previous: ApiKeyRow }> {
  const overlapSeconds = overlapOf(input)
  return ctx.rows.write('tenant', async (em) => {
    const previous = await lockApiKey(ctx, em, input.id)
    assertRotatable(ctx, previous)
    assertHolds(ctx.principal, previous.scopes)
    const now = ctx.services.clock()
    const { apiKey, secret } = await insertApiKey(ctx, em, {
      ...settingsOf(previous),
      expiresAt: successorsExpiry(ctx, previous, now),
      createdById: requireUser(ctx).userId,
    })
    previous.rotatedToId = apiKey.id
    const overlapEnd = new Date(now.getTime() + overlapSeconds * 1_000)
    Object.assign(previous, endingAt(earliest(previous.expiresAt, overlapEnd), now))
    await em.flush()
    await ctx.services.apiKeys.changed(em, previous.id)
    await audit(ctx, em, {
      action: 'api_key.rotated',
      target: { type: 'ApiKey', id: previous.id },
      details: { rotatedTo: apiKey.id, overlapSeconds },
    })
    return { apiKey, previous, secret }
  })
}

function settingsOf({ organizationId, lineId, name, description, service, scopes, rateLimitPerMinute }: ApiKeyRow) {
  return {
    ...{ organizationId, lineId, name, service, scopes },
    description: description ?? null,
    rateLimitPerMinute: rateLimitPerMinute ?? null,
  }
}
