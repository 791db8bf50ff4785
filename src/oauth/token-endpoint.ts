import { createContext, type Context, type RequestFacts, type Services } from '../context.ts'
import type { RequestLimits } from '../principal/request-limits.ts'
import { login } from '../modules/authentication/authentication.service.ts'
import { refresh } from '../modules/authentication/refresh.ts'
import type { AuthPayloadRow } from '../modules/authentication/sign-in.ts'
import type { Client } from './client-authentication.ts'
import { grantToApiKey } from './client-credentials.ts'
import { inOAuthTerms, OAuthError } from './oauth-error.ts'
import type { Parameters } from './parameters.ts'
import { exchange, TOKEN_EXCHANGE } from './token-exchange.ts'

/** RFC 6749 §5.1, RFC 8693 §2.2.1. */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  /** Left out where the token has none: an empty list is none (RFC 6749 §3.3). */
  readonly scope?: string
  readonly refresh_token?: string
  readonly issued_token_type?: string
}

/** A request that is known to come from this client. */
export interface ClientRequest {
  readonly services: Services
  readonly facts: RequestFacts
  readonly parameters: Parameters
  readonly client: Client
  readonly limits: RequestLimits
}

type Grant = (request: ClientRequest) => Promise<TokenAnswer>

const grants: Readonly<Record<string, Grant>> = {
  refresh_token: refreshTokens,
  client_credentials: grantToApiKey,
  [TOKEN_EXCHANGE]: exchange,
}

/** The grants that the server gives tokens for. */
export function grantTypes({ config }: Pick<Services, 'config'>): string[] {
  return [...Object.keys(grants), ...(config.oauth.passwordGrant ? ['password'] : [])]
}

/** Gives a token for a grant (RFC 6749 §3.2). @throws OAuthError */
export async function giveToken(request: ClientRequest): Promise<TokenAnswer> {
  const type = request.parameters.required('grant_type')
  if (!grantTypes(request.services).includes(type)) {
    throw new OAuthError('unsupported_grant_type', 'The grant is not supported')
  }
  assertOwnTarget(request)
  return (grants[type] ?? signIn)(request)
}

/** RFC 8693 §2.1, RFC 8707 §2: whom the token is to be presented to. @throws OAuthError for anybody else than this server */
function assertOwnTarget({ services, parameters }: ClientRequest): void {
  const ownAudience = services.config.tokens.audience
  const isElsewhere = (parameters.optional('audience') ?? ownAudience) !== ownAudience
  if (isElsewhere || parameters.optional('resource') !== undefined) {
    throw new OAuthError('invalid_target', 'Tokens are for this server alone')
  }
}

/** RFC 6749 §4.3, for clients of before RFC 9700 §2.4, which forbids it: OAUTH_PASSWORD_GRANT. */
function signIn(request: ClientRequest): Promise<TokenAnswer> {
  const email = request.parameters.required('username')
  const password = request.parameters.required('password')
  return givePair(request, (ctx) => login(ctx, { email, password }))
}

/** RFC 6749 §6. Which scopes there are follows from the user's role, as always. */
function refreshTokens(request: ClientRequest): Promise<TokenAnswer> {
  const refreshToken = request.parameters.required('refresh_token')
  return givePair(request, (ctx) => refresh(ctx, { refreshToken }))
}

/** What signs a user in signs them in here as it does for GraphQL, with the same limits and the same trail. */
async function givePair(
  { services, facts, client, limits }: ClientRequest,
  obtain: (ctx: Context) => Promise<AuthPayloadRow>,
): Promise<TokenAnswer> {
  // A session is nobody's but the user's: no API key renews it.
  if (client) throw new OAuthError('unauthorized_client', 'The grant is for public clients')
  await inOAuthTerms('invalid_grant', () => limits.byAddress())
  const ctx = createContext(services, facts, null)
  try {
    const { accessToken, refreshToken, expiresIn, scope } = await inOAuthTerms('invalid_grant', () => obtain(ctx))
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: expiresIn,
      refresh_token: refreshToken,
      ...(scope && { scope }),
    }
  } finally {
    await ctx.rows.close()
  }
}
