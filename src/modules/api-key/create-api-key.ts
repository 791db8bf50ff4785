import type { EntityManager } from '@mikro-orm/sql'
import { assertHolds, grantableScopes } from '../../access/granting.ts'
import type { Context } from '../../context.ts'
import { newId } from '../../database/columns.ts'
import type { CreateApiKeyInput } from '../../generated/resolvers.ts'
import { optionalText, requiredText } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { lockOrganizationAsAdmin } from '../organization/organization.service.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { ApiKey, type ApiKeyRow } from './api-key.entity.ts'
import { endingAt } from './api-key-expiry.ts'
import { DESCRIPTION_MAX, expiry, latestExpiry, rateLimit, SERVICE_MAX } from './api-key-input.ts'

/** What a key is made with. */
export interface NewApiKey {
  name: string
  description: string | null
  service: string
  scopes: string[]
  expiresAt: Date | null
  rateLimitPerMinute: number | null
}

/** A key and its secret, which nothing can show again. */
export interface ApiKeyWithSecret {
  apiKey: ApiKeyRow
  secret: string
}

/** What is asked for, checked. @throws ApiError BAD_USER_INPUT */
export function newApiKey({ services }: Pick<Context, 'services'>, input: CreateApiKeyInput): NewApiKey {
  const now = services.clock()
  return {
    name: requiredText(['input', 'name'], input.name),
    description: optionalText(['input', 'description'], input.description, DESCRIPTION_MAX),
    service: requiredText(['input', 'service'], input.service, SERVICE_MAX),
    scopes: grantableScopes(services.scopes, input.scopes),
    expiresAt: expiry(input.expiresAt, now, latestExpiry(services.config, now)),
    rateLimitPerMinute: rateLimit(services.config, input.rateLimitPerMinute),
  }
}

/** Inserts a key with a new secret: the first of its line, unless it takes another's place. */
export async function insertApiKey(
  { services }: Pick<Context, 'services'>,
  em: EntityManager,
  key: NewApiKey & { organizationId: string; createdById: string | null; lineId?: string },
): Promise<ApiKeyWithSecret> {
  const { secret, keyHash, lastEight } = services.apiKeys.newSecret()
  const id = newId()
  const createdAt = services.clock()
  const ending = endingAt(key.expiresAt, createdAt)
  const apiKey = em.create(ApiKey, { id, createdAt, lineId: id, ...key, ...ending, keyHash, lastEight })
  await em.flush()
  return { apiKey, secret }
}

/**
 * A new key of the current organization. Its secret is in this answer and nowhere else.
 * @throws ApiError BAD_USER_INPUT; FORBIDDEN for scopes that the actor does not hold.
 */
export async function createApiKey(ctx: Context, input: CreateApiKeyInput): Promise<ApiKeyWithSecret> {
  const key = newApiKey(ctx, input)
  assertHolds(ctx.principal, key.scopes)
  return ctx.rows.write('tenant', async (em) => {
    const organization = await lockOrganizationAsAdmin(ctx, em)
    const created = await insertApiKey(ctx, em, {
      ...key,
      organizationId: organization.id,
      createdById: requireUser(ctx).userId,
    })
    await audit(ctx, em, {
      action: 'api_key.created',
      target: { type: 'ApiKey', id: created.apiKey.id },
      details: { scopes: key.scopes },
    })
    return created
  })
}
