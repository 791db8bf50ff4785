import type { Config } from '../config.ts'
import type { Services } from '../context.ts'
import { grantTypes } from './token-endpoint.ts'

/** Where an issuer without a path is described; the path of one that has any follows. */
export const WELL_KNOWN = '/.well-known/oauth-authorization-server'

/** The paths of the endpoints, below the issuer. */
export const oauthPaths = {
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
  keys: '/.well-known/jwks.json',
} as const

/** Where clients find out what there is, and what they find. */
export interface Discovery {
  readonly path: string
  readonly document: Readonly<Record<string, unknown>>
}

/**
 * Authorization server metadata (RFC 8414). Null where JWT_ISSUER is not a URL, or one with a query or fragment (§2): no
 * client could look it up.
 */
export function discovery({ config, scopes }: Pick<Services, 'config' | 'scopes'>): Discovery | null {
  const issuer = issuerUrl(config.tokens)
  if (!issuer) return null
  const base = config.tokens.issuer.replace(/\/$/, '')
  const byKey = ['client_secret_basic', 'client_secret_post']
  return {
    // §3.1: the issuer's own path comes after.
    path: WELL_KNOWN + issuer.pathname.replace(/\/$/, ''),
    document: {
      issuer: config.tokens.issuer,
      token_endpoint: base + oauthPaths.token,
      revocation_endpoint: base + oauthPaths.revocation,
      introspection_endpoint: base + oauthPaths.introspection,
      jwks_uri: base + oauthPaths.keys,
      // There is no authorization endpoint, so none of its response types.
      response_types_supported: [],
      grant_types_supported: grantTypes({ config }),
      scopes_supported: scopes.known,
      token_endpoint_auth_methods_supported: [...byKey, 'none'],
      revocation_endpoint_auth_methods_supported: [...byKey, 'none'],
      introspection_endpoint_auth_methods_supported: byKey,
    },
  }
}

function issuerUrl({ issuer }: Config['tokens']): URL | null {
  const url = URL.parse(issuer)
  if (!url || !['http:', 'https:'].includes(url.protocol)) return null
  return url.search === '' && url.hash === '' && !issuer.includes('?') && !issuer.includes('#') ? url : null
}
