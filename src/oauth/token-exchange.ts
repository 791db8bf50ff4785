import { refused } from '../principal/compact-token.ts'
import { exchangedSubject } from '../principal/external/exchanged-token.ts'
import { externalCaller } from '../principal/external/external-caller.ts'
import { grantsOf } from '../principal/external/external-principal.ts'
import { inOAuthTerms, OAuthError } from './oauth-error.ts'
import type { Parameters } from './parameters.ts'
import { requestedScopes, toldScope } from './requested-scopes.ts'
import type { ClientRequest, TokenAnswer } from './token-endpoint.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/**
 * One of the server's own tokens for that of a trusted issuer (RFC 8693): for the same user and organization, with the same
 * scopes or fewer, and no longer valid than the other. It ends when the issuer is no longer trusted.
 * @throws OAuthError
 */
export async function exchange(request: ClientRequest): Promise<TokenAnswer> {
  const { services, facts, parameters, client, limits } = request
  if (client) throw new OAuthError('unauthorized_client', 'The grant is for public clients')
  const subjectToken = parameters.required('subject_token')
  assertSupported(parameters)
  if (services.external.skipped) {
    // What nobody has signed must not come out signed.
    throw new OAuthError('invalid_request', 'Tokens are not exchanged while signatures are not looked at')
  }
  return inOAuthTerms('invalid_request', async () => {
    const caller = await externalCaller(services, facts, subjectToken, limits)
    // Told as of one that a trusted issuer has not signed: whom somebody trusts is their own business.
    if (!caller) throw refused('INVALID', 'issuer is not trusted')
    const scopes = requestedScopes(services, parameters, grantsOf(caller.claims, caller.issuer))
    const notAfter = new Date(Number(caller.claims.exp) * 1_000)
    const { token, expiresInSeconds, jti } = services.accessTokens.issue(exchangedSubject(caller, scopes), notAfter)
    const { organization, issuer } = caller
    const told = { requestId: facts.requestId, organization: organization.id, issuer: issuer.issuer, jti }
    services.log.info(told, 'a token was exchanged')
    return {
      access_token: token,
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: expiresInSeconds,
      ...toldScope(scopes),
    }
  })
}

/** @throws OAuthError for what the request asks for beyond that */
function assertSupported(parameters: Parameters): void {
  if (![ACCESS_TOKEN, JWT].includes(parameters.required('subject_token_type'))) {
    throw new OAuthError('invalid_request', 'subject_token_type must be a JWT or an access token')
  }
  if (![ACCESS_TOKEN, JWT].includes(parameters.optional('requested_token_type') ?? ACCESS_TOKEN)) {
    throw new OAuthError('invalid_request', 'requested_token_type must be an access token')
  }
  if (parameters.optional('actor_token') !== undefined) {
    throw new OAuthError('invalid_request', 'actor_token is not supported: nobody acts for another')
  }
}
