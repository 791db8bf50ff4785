import { assertHolds, grantableScopes } from '../../access/granting.ts'
import type { Context } from '../../context.ts'
import { badUserInput, conflict } from '../../errors.ts'
import type { UpdateApiKeyInput } from '../../generated/resolvers.ts'
import { optionalText, requiredText } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import type { ApiKeyRow } from './api-key.entity.ts'
import { endingAt } from './api-key-expiry.ts'
import { DESCRIPTION_MAX, expiry, latestExpiry, rateLimit } from './api-key-input.ts'
import { assertNotRevoked, lockApiKey } from './api-key.service.ts'

type Change = (key: ApiKeyRow) => void

/**
 * What the input changes: what is left out stays, and null clears what may be empty.
 * @throws ApiError BAD_USER_INPUT
 */
function changesOf(ctx: Context, input: UpdateApiKeyInput): Change[] {
  const { name, description, scopes, isActive, rateLimitPerMinute } = input
  const changes: Change[] = []
  if (name !== undefined) {
    const text = requiredText(['input', 'name'], name)
    changes.push((key) => (key.name = text))
  }
  if (description !== undefined) {
    const text = optionalText(['input', 'description'], description, DESCRIPTION_MAX)
    changes.push((key) => (key.description = text))
  }
  if (scopes !== undefined) {
    const granted = grantableScopes(ctx.services.scopes, scopes)
    changes.push((key) => (key.scopes = granted))
  }
  if (isActive !== undefined) {
    if (isActive === null) throw badUserInput({ path: ['input', 'isActive'], reason: 'must not be null' })
    const now = ctx.services.clock()
    changes.push((key) => (key.deactivatedAt = isActive ? null : (key.deactivatedAt ?? now)))
  }
  if (rateLimitPerMinute !== undefined) {
    const perMinute = rateLimit(ctx.services.config, rateLimitPerMinute)
    changes.push((key) => (key.rateLimitPerMinute = perMinute))
  }
  return changes
}

/** Moves a key's end. @throws ApiError CONFLICT for a key that another has taken the place of: its end is settled. */
function moveExpiry(ctx: Context, key: ApiKeyRow, expiresAt: Date | null): void {
  if (key.rotatedToId) throw conflict('API_KEY_ROTATED', 'The API key has been rotated, and ends when that has said')
  const now = ctx.services.clock()
  Object.assign(key, endingAt(expiry(expiresAt, now, latestExpiry(ctx.services.config, key.createdAt)), now))
}

/** Whoever gives a key scopes, revives it or moves its end must hold all that it can do from then on. */
const empowers = ({ scopes, isActive, expiresAt }: UpdateApiKeyInput) =>
  scopes !== undefined || isActive === true || expiresAt !== undefined

/**
 * Changes a key. What is left out stays; null clears the description, the expiry and the rate limit.
 * @throws ApiError NOT_FOUND; BAD_USER_INPUT; FORBIDDEN for scopes that the actor does not hold; CONFLICT for a revoked key.
 */
export async function updateApiKey(ctx: Context, input: UpdateApiKeyInput): Promise<{ apiKey: ApiKeyRow }> {
  const changes = changesOf(ctx, input)
  return ctx.rows.write('tenant', async (em) => {
    const apiKey = await lockApiKey(ctx, em, input.id)
    assertNotRevoked(apiKey)
    for (const change of changes) change(apiKey)
    if (input.expiresAt !== undefined) moveExpiry(ctx, apiKey, input.expiresAt)
    if (empowers(input)) assertHolds(ctx.principal, apiKey.scopes)
    await em.flush()
    await ctx.services.apiKeys.changed(em, apiKey.id)
    const { id: _id, ...changed } = input
    await audit(ctx, em, {
      action: 'api_key.updated',
      target: { type: 'ApiKey', id: apiKey.id },
      details: { fields: Object.keys(changed) },
    })
    return { apiKey }
  })
}
