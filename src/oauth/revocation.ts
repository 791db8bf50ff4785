import { createContext, type Context } from '../context.ts'
import { ApiError } from '../errors.ts'
import { audit } from '../modules/audit-event/audit-event.service.ts'
import { revokeByRefreshToken } from '../modules/session/session.service.ts'
import { PUBLIC_CLIENT_ID, type AccessTokenClaims } from '../principal/access-token-claims.ts'
import { claimed } from '../principal/compact-token.ts'
import { parseRefreshToken } from '../principal/refresh-token.ts'
import { clientIdOf, type Client } from './client-authentication.ts'
import { inOAuthTerms, OAuthError } from './oauth-error.ts'
import type { ClientRequest } from './token-endpoint.ts'

/**
 * Ends a token (RFC 7009): a refresh token with its whole session, an access token alone. A token that is not valid has
 * nothing to end, and that is no error (§2.2).
 * @throws OAuthError where the token was given to another client
 */
export async function revoke(request: ClientRequest): Promise<void> {
  const { services, facts, parameters, client, limits } = request
  const token = parameters.required('token')
  // A key's request is counted under the key.
  await inOAuthTerms('invalid_request', () => limits.byAddress())
  const ctx = createContext(services, facts, null)
  try {
    const refreshToken = parseRefreshToken(token)
    if (refreshToken) {
      assertClient(client, PUBLIC_CLIENT_ID)
      await revokeByRefreshToken(ctx, refreshToken)
      return
    }
    // By what it says, before anything is known of it: a stranger must not learn whether it is valid.
    assertClient(client, claimed(token, 'client_id') ?? clientIdOf(client))
    const claims = await inOAuthTerms('invalid_request', () => unexpired(request, token))
    if (claims) await inOAuthTerms('invalid_request', () => revokeAccessToken(ctx, claims))
  } finally {
    await ctx.rows.close()
  }
}

/** RFC 7009 §2.1: a client ends its own tokens alone. */
function assertClient(client: Client, owner: string): void {
  if (clientIdOf(client) === owner) return
  if (!client) throw new OAuthError('invalid_client', 'The client that was given the token must authenticate')
  throw new OAuthError('invalid_grant', 'The token was given to another client')
}

/**
 * What the token says, null for one that can never be accepted any more. Also of one that is not accepted at this moment: its
 * organization may be suspended, and will be reinstated.
 */
async function unexpired({ services, limits }: ClientRequest, token: string): Promise<AccessTokenClaims | null> {
  try {
    return await services.accessTokens.verifyCurrent(token, () => limits.beforeLookUp())
  } catch (error) {
    if (error instanceof ApiError && error.code === 'UNAUTHENTICATED') return null
    throw error
  }
}

async function revokeAccessToken(ctx: Context, claims: AccessTokenClaims): Promise<void> {
  const { sub, jti, organization } = claims
  const { rateLimits, revocations, config } = ctx.services
  // Every instance holds what is revoked for as long as the token would have lived: it must not be filled with tokens that are
  // obtained to be revoked.
  const subject = `revoke ${organization ?? sub}`
  await rateLimits.take({ policy: 'revoke', subject, perMinute: config.rateLimits.signInPerAddress })
  await ctx.rows.write('authentication', async (em) => {
    // Somebody else has, at the same time: one revocation, one event.
    if (!(await revocations.addToken(em, jti))) return
    const isOperator = claims.kind === 'USER' && claims.operator
    await audit(ctx, em, {
      action: 'access_token.revoked',
      organizationId: organization,
      actorId: sub,
      actorKind: isOperator ? 'OPERATOR' : claims.kind,
      target: { type: 'AccessToken', id: jti },
    })
  })
}
