import type { EntityManager } from '@mikro-orm/sql'
import { load, type Context } from '../../context.ts'
import { byCreation, pageOf, readConnection, type Connection, type PageArguments } from '../../database/paging.ts'
import { lockRow, rowsById, tenantRows } from '../../database/tenant-rows.ts'
import { conflict } from '../../errors.ts'
import type { RevokeApiKeyInput } from '../../generated/resolvers.ts'
import { apiKeyStatus, type ApiKeyStatus } from '../../principal/api-key-record.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { lockOrganizationAsAdmin } from '../organization/organization.service.ts'
import type { UserRow } from '../user/user.entity.ts'
import { findUser } from '../user/user.service.ts'
import { ApiKey, type ApiKeyRow } from './api-key.entity.ts'

/** A page of the current organization's keys, in the order of their creation. No secret is among what is read. */
export function listApiKeys(ctx: Context, args: PageArguments): Promise<Connection<ApiKeyRow>> {
  return readConnection(tenantRows(ctx), ApiKey, {}, pageOf(args, byCreation), byCreation)
}

const apiKeysById = rowsById(ApiKey)

/** A key of the current organization; null where there is none, whoever may have one with this id. */
export function findApiKey(ctx: Context, id: string): Promise<ApiKeyRow | null> {
  return load(ctx, apiKeysById, id)
}

/** Whether a key can be used now, and if not, why. */
export function statusOf(ctx: Context, key: ApiKeyRow): ApiKeyStatus {
  return apiKeyStatus(key, ctx.services.clock())
}

/** Who created the key; null where nobody did, or where they are no longer a member. */
export async function creatorOf(ctx: Context, key: ApiKeyRow): Promise<UserRow | null> {
  return key.createdById ? findUser(ctx, key.createdById) : null
}

/**
 * A key to be changed in this transaction, by somebody who is an ADMIN still. The organization is locked before the key,
 * as everywhere.
 * @throws ApiError NOT_FOUND; FORBIDDEN where the actor is no longer an ADMIN.
 */
export async function lockApiKey(ctx: Context, em: EntityManager, id: string): Promise<ApiKeyRow> {
  await lockOrganizationAsAdmin(ctx, em)
  return lockRow(em, ApiKey, id)
}

/** @throws ApiError CONFLICT: a revoked key stays as it is. */
export function assertNotRevoked(key: ApiKeyRow): void {
  if (key.revokedAt) throw conflict('API_KEY_REVOKED', 'The API key has been revoked')
}

/** Ends a key, on every instance at once; the row stays. Revoking it again changes nothing. @throws ApiError NOT_FOUND */
export function revokeApiKey(ctx: Context, input: RevokeApiKeyInput): Promise<{ apiKey: ApiKeyRow }> {
  return ctx.rows.write('tenant', async (em) => {
    const apiKey = await lockApiKey(ctx, em, input.id)
    if (apiKey.revokedAt) return { apiKey }
    apiKey.revokedAt = ctx.services.clock()
    await em.flush()
    await ctx.services.apiKeys.changed(em, apiKey.id)
    await audit(ctx, em, { action: 'api_key.revoked', target: { type: 'ApiKey', id: apiKey.id } })
    return { apiKey }
  })
}
