import { requireClient } from './client-authentication.ts'
import { inOAuthTerms } from './oauth-error.ts'
import { requestedScopes, toldScope } from './requested-scopes.ts'
import type { ClientRequest, TokenAnswer } from './token-endpoint.ts'

/**
 * An access token for an API key (RFC 6749 §4.4): its organization, and its scopes or fewer. It ends with the key, and there
 * is no refresh token: the key itself is there to obtain the next one.
 * @throws OAuthError
 */
export async function grantToApiKey({ services, facts, parameters, client }: ClientRequest): Promise<TokenAnswer> {
  const { id, organizationId, expiresAt, principal } = requireClient(client)
  const scopes = requestedScopes(services, parameters, principal.scopes)
  const scope = scopes.join(' ')
  const subject = { kind: 'API_KEY', sub: id, client_id: id, organization: organizationId, scope } as const
  const { token, expiresInSeconds, jti } = await inOAuthTerms('invalid_client', async () =>
    services.accessTokens.issue(subject, expiresAt),
  )
  services.log.info({ requestId: facts.requestId, apiKey: id, jti }, 'an API key has obtained an access token')
  return { access_token: token, token_type: 'Bearer', expires_in: expiresInSeconds, ...toldScope(scopes) }
}
