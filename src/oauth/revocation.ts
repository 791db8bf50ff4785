import { createContext, type Context } from '../context.ts'
import { ApiError } from '../errors.ts'
import { audit } from '../modules/audit-event/audit-event.service.ts'
import { revokeByRefreshToken } from '../modules/session/session.service.ts'
import { PUBLIC_CLIENT_ID, type AccessTokenClaims } from '../principal/access-token-claims.ts'
import { currentClaims } from '../principal/current-claims.ts'
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
    const claims = await inOAuthTerms('invalid_request', () => stillAccepted(request, token))
    if (claims === null) return
    assertClient(client, claims.client_id)
    await revokeAccessToken(ctx, claims)
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

async function stillAccepted({ services, limits }: ClientRequest, token: string): Promise<AccessTokenClaims | null> {
  try {
    return await currentClaims(services, token, limits)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'UNAUTHENTICATED') return null
    throw error
  }
}

function revokeAccessToken(ctx: Context, { kind, sub, jti, organization }: AccessTokenClaims): Promise<void> {
  return ctx.rows.write('authentication', async (em) => {
    await ctx.services.revocations.add(em, [{ kind: 'TOKEN', subjectId: jti, belowVersion: null }])
    await audit(ctx, em, {
      action: 'access_token.revoked',
      organizationId: organization,
      actorId: sub,
      actorKind: kind,
      target: { type: 'AccessToken', id: jti },
    })
  })
}
