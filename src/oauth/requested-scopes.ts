import { grantCovers, isGrant } from '../access/scopes.ts'
import { OAuthError } from './oauth-error.ts'
import type { Parameters } from './parameters.ts'

const MOST_SCOPES = 100

/**
 * The scopes that a request asks for, each once; all that may be granted where it asks for none (RFC 6749 §3.3).
 * @param grantable wildcards kept, which cover what is asked for
 * @throws OAuthError invalid_scope where more is asked for
 */
export function requestedScopes(parameters: Parameters, grantable: readonly string[]): readonly string[] {
  const asked = parameters.optional('scope')?.split(' ').filter(Boolean)
  if (!asked || asked.length === 0) return grantable
  if (asked.length > MOST_SCOPES) throw new OAuthError('invalid_scope', `scope has more than ${MOST_SCOPES} entries`)
  const isGranted = (scope: string) => isGrant(scope) && grantable.some((grant) => grantCovers(grant, scope))
  if (asked.every(isGranted)) return [...new Set(asked)]
  throw new OAuthError('invalid_scope', 'scope asks for more than may be granted')
}
