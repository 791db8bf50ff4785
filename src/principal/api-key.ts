import type { RequestFacts, Services } from '../context.ts'
import { ApiError, forbidden, unauthenticated } from '../errors.ts'
import { apiKeyStatus, type ApiKeyRecord } from './api-key-record.ts'
import { isApiKeySecret } from './api-key-secret.ts'
import type { Principal } from './principal.ts'
import type { RequestLimits } from './request-limits.ts'

const REFUSALS = {
  REVOKED: 'The API key has been revoked',
  EXPIRED: 'The API key has expired',
  INACTIVE: 'The API key is inactive',
} as const

/** Credentials that cannot stand together: which of them is meant would be a guess. */
export function ambiguous(one: string, other: string): ApiError {
  return new ApiError('BAD_REQUEST', `The credentials are ambiguous: give ${one} or ${other}`, { reason: 'AMBIGUOUS' })
}

/** A service, by the key in `X-Api-Key`. */
export async function identifyByApiKey(
  services: Services,
  { headers }: RequestFacts,
  limits: RequestLimits,
): Promise<Principal | null> {
  const presented = headers['x-api-key']
  if (presented === undefined) return null
  if (headers.authorization !== undefined) throw ambiguous('X-Api-Key', 'Authorization')
  if (headers['x-tenant-api-key'] !== undefined) throw ambiguous('X-Api-Key', 'X-Tenant-Api-Key')
  const key = await knownKey(services, presented, limits)
  // An ended key must not use up what its successor lives on.
  assertActive(services, key)
  await limits.byApiKey(key)
  assertKeysOrganization(key, headers['x-tenant-id'])
  await acceptKey(services, key)
  return key.principal
}

/** @throws ApiError FORBIDDEN where `X-Tenant-Id` asks for another organization than the key's. */
export function assertKeysOrganization({ organizationId }: ApiKeyRecord, tenant: string | string[] | undefined): void {
  if (tenant === undefined || String(tenant).toLowerCase() === organizationId) return
  throw forbidden('NOT_THE_KEYS_ORGANIZATION', "X-Tenant-Id is not the API key's organization")
}

/**
 * The key with the presented secret, whatever has become of it.
 * @throws ApiError UNAUTHENTICATED: MALFORMED, without asking the database, for what no key can be; else INVALID. RATE_LIMITED
 * before a look-up.
 */
export async function knownKey(services: Services, presented: unknown, limits: RequestLimits): Promise<ApiKeyRecord> {
  const metrics = services.metrics.credentials
  if (typeof presented !== 'string' || !isApiKeySecret(presented)) {
    metrics.keyChecked('malformed')
    throw unauthenticated('MALFORMED', 'The API key is malformed')
  }
  const found = services.apiKeys.find(presented, async (read) => {
    await limits.beforeLookUp()
    return metrics.lookUpKey(read)
  })
  const key = await found
  if (!key) {
    metrics.keyChecked('unknown')
    throw unauthenticated('INVALID', 'The API key is not known')
  }
  metrics.keyChecked(found instanceof Promise ? 'looked_up' : 'remembered')
  return key
}

/** @throws ApiError FORBIDDEN with the reason why a key cannot be used any more, or for now. */
export function assertActive({ clock, log, metrics }: Services, key: ApiKeyRecord): void {
  const status = apiKeyStatus(key, clock())
  if (status === 'ACTIVE') return
  metrics.credentials.keyChecked('ended')
  log.warn({ apiKey: key.id, status }, 'an API key was refused')
  throw forbidden(status, REFUSALS[status])
}

/** Takes a key as good, and notes its use. @throws ApiError FORBIDDEN with the reason why it cannot be used. */
export async function acceptKey(services: Services, key: ApiKeyRecord): Promise<void> {
  assertActive(services, key)
  await assertOrganizationServed(services, key)
  services.apiKeys.used(key.id)
}

/** @throws ApiError FORBIDDEN where the key's organization cannot be acted for. */
export async function assertOrganizationServed({ apiKeys }: Services, key: ApiKeyRecord): Promise<void> {
  const organization = await apiKeys.organization(key.organizationId)
  if (!organization) throw forbidden('ORGANIZATION_DELETED', "The API key's organization has been deleted")
  if (organization.suspendedAt) throw forbidden('ORGANIZATION_SUSPENDED', "The API key's organization is suspended")
}
