import type { Services } from '../context.ts'
import { ApiError } from '../errors.ts'
import type { AccessTokenClaims } from '../principal/access-token-claims.ts'
import { keyOfToken } from '../principal/api-key-token.ts'
import { assertOrganizationServed } from '../principal/api-key.ts'
import { currentClaims, scopesIn } from '../principal/current-claims.ts'
import { issuerOfToken, standingScopes } from '../principal/external/exchanged-token.ts'
import { intersectGrants } from '../access/scopes.ts'
import { requireClient } from './client-authentication.ts'
import type { ClientRequest } from './token-endpoint.ts'

/** RFC 7662 §2.2, with the kind of caller that the token is of, and the organization that it is for. */
export type Introspection =
  | { readonly active: false }
  | ({ readonly active: true; readonly token_type: 'Bearer'; readonly username?: string } & Pick<
      AccessTokenClaims,
      'iss' | 'sub' | 'aud' | 'exp' | 'iat' | 'jti' | 'client_id' | 'scope' | 'organization' | 'kind'
    >)

const INACTIVE = { active: false } as const

/**
 * Tells an API key what an access token is good for now. A key is told of tokens for its own organization: every other is as
 * one that is not valid, and so is a refresh token, which is nothing to present to a service.
 * @throws OAuthError where no key is authenticated
 */
export async function introspect({ services, parameters, client, limits }: ClientRequest): Promise<Introspection> {
  const key = requireClient(client)
  const token = parameters.required('token')
  try {
    const claims = await currentClaims(services, token, limits)
    if (claims.organization !== key.organizationId) return INACTIVE
    const scopes = await scopesNow(services, claims, limits)
    // With the token alone its bearer may do nothing there; whoever asks has one of the keys that go with it.
    const organizationNow = await services.apiKeys.organization(key.organizationId)
    const demandsKey = claims.kind !== 'API_KEY' && (organizationNow?.requiresTenantApiKey ?? true)
    const scope = (demandsKey ? intersectGrants(scopes, key.principal.scopes) : scopes).join(' ')
    const { kind, iss, sub, aud, exp, iat, jti, client_id, organization } = claims
    const told = { kind, iss, sub, aud, exp, iat, jti, client_id, organization }
    // Nobody but this server says who its users are: what an issuer tells of its own is no name here.
    return { active: true, token_type: 'Bearer', scope, ...told, ...(kind === 'USER' && { username: claims.email }) }
  } catch (error) {
    if (error instanceof ApiError && ['UNAUTHENTICATED', 'FORBIDDEN'].includes(error.code)) return INACTIVE
    throw error
  }
}

/** What the token grants at this moment, which may be less than it says. @throws ApiError where it is no longer accepted */
async function scopesNow(
  services: Services,
  claims: AccessTokenClaims,
  limits: ClientRequest['limits'],
): Promise<readonly string[]> {
  switch (claims.kind) {
    case 'USER':
      return scopesIn(claims)
    case 'API_KEY': {
      const key = await keyOfToken(services, claims, limits)
      await assertOrganizationServed(services, key)
      return intersectGrants(scopesIn(claims), key.principal.scopes)
    }
    case 'EXTERNAL': {
      const issuer = await issuerOfToken(services, claims, limits)
      return (await standingScopes(services, claims, issuer)).scopes
    }
  }
}
