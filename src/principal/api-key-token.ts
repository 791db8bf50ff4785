import { makePowers } from '../access/powers.ts'
import { intersectGrants } from '../access/scopes.ts'
import type { RequestFacts, Services } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import type { ApiKeyTokenClaims } from './access-token-claims.ts'
import { acceptKey, ambiguous, assertKeysOrganization } from './api-key.ts'
import { apiKeyStatus, type ApiKeyRecord } from './api-key-record.ts'
import { scopesIn } from './current-claims.ts'
import type { ApiKeyPrincipal } from './principal.ts'
import type { RequestLimits } from './request-limits.ts'

/**
 * The API key that obtained an access token. The token ends with it.
 * @throws ApiError UNAUTHENTICATED where the key is no longer accepted; RATE_LIMITED before a look-up
 */
export async function keyOfToken(
  { apiKeys, clock }: Services,
  claims: ApiKeyTokenClaims,
  limits: Pick<RequestLimits, 'beforeLookUp'>,
): Promise<ApiKeyRecord> {
  const key = await apiKeys.findById(claims.sub, async (read) => {
    await limits.beforeLookUp()
    return read()
  })
  const isItsOwn = key?.organizationId === claims.organization
  if (key && isItsOwn && apiKeyStatus(key, clock()) === 'ACTIVE') return key
  throw unauthenticated('REVOKED', 'The API key that obtained the access token is no longer accepted')
}

/** A service, by an access token that its API key has obtained: what the token says, as far as the key still may. */
export async function identifyByApiKeyToken(
  services: Services,
  { headers }: RequestFacts,
  claims: ApiKeyTokenClaims,
  limits: RequestLimits,
): Promise<ApiKeyPrincipal> {
  if (headers['x-tenant-api-key'] !== undefined) throw ambiguous("an API key's access token", 'X-Tenant-Api-Key')
  const key = await keyOfToken(services, claims, limits)
  await limits.byApiKey(key)
  assertKeysOrganization(key, headers['x-tenant-id'])
  await acceptKey(services, key)
  const scopes = intersectGrants(scopesIn(claims), key.principal.scopes)
  return { ...key.principal, scopes, powers: makePowers('API_KEY', null, scopes, services.scopes) }
}
