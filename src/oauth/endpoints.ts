import type { RequestFacts, Services } from '../context.ts'
import { requestLimits } from '../principal/request-limits.ts'
import { authenticateClient } from './client-authentication.ts'
import { introspect, type Introspection } from './introspection.ts'
import { inOAuthTerms } from './oauth-error.ts'
import { discovery, type Discovery } from './metadata.ts'
import { readParameters } from './parameters.ts'
import { revoke } from './revocation.ts'
import { giveToken, type ClientRequest, type TokenAnswer } from './token-endpoint.ts'

type Endpoint<Answer> = (facts: RequestFacts, body: string) => Promise<Answer>

/** OAuth 2.0 for what is not GraphQL. An {@link OAuthError} is an answer; whatever else is thrown is internal. */
export interface OAuthEndpoints {
  readonly discovery: Discovery | null
  readonly token: Endpoint<TokenAnswer>
  readonly revoke: Endpoint<void>
  readonly introspect: Endpoint<Introspection>
}

/** The endpoints, whatever carries them. */
export function oauthEndpoints(services: Services): OAuthEndpoints {
  const byClient =
    <Answer>(answer: (request: ClientRequest) => Promise<Answer>): Endpoint<Answer> =>
    async (facts, body) => {
      const parameters = readParameters(body)
      const limits = requestLimits(services, facts)
      try {
        const client = await authenticateClient(services, facts, parameters, limits)
        return await answer({ services, facts, parameters, client, limits })
      } catch (error) {
        // Unless it is counted already.
        await inOAuthTerms('invalid_request', () => limits.byAddress())
        throw error
      }
    }
  const found = discovery(services)
  if (services.config.production && !String(found?.document.issuer).startsWith('https:')) {
    services.log.warn('JWT_ISSUER is not the https address of this server: no client can discover its OAuth endpoints')
  }
  return {
    discovery: found,
    token: byClient(giveToken),
    revoke: byClient(revoke),
    introspect: byClient(introspect),
  }
}
