import { grantCovers, isGrant } from '../access/scopes.ts'
import type { Services } from '../context.ts'
import { OAuthError } from './oauth-error.ts'
import type { Parameters } from './parameters.ts'

const MOST_SCOPES = 100

/**
 * The scopes that a request asks for, each once; all that may be granted where it asks for none (RFC 6749 §3.3).
 * @param grantable wildcards kept, which cover what is asked for
 * @throws OAuthError invalid_scope where more is asked for, or what stands for no scope that there is
 */
export function requestedScopes(
  { scopes: registry }: Pick<Services, 'scopes'>,
  parameters: Parameters,
  grantable: readonly string[],
): readonly string[] {
  const asked = parameters.optional('scope')?.split(' ')
  if (!asked) return grantable
  if (asked.length > MOST_SCOPES) throw new OAuthError('invalid_scope', `scope has more than ${MOST_SCOPES} entries`)
  const isKnown = (scope: string) => isGrant(scope) && registry.expand([scope]).size > 0
  const isGranted = (scope: string) => grantable.some((grant) => grantCovers(grant, scope))
  if (asked.every((scope) => isKnown(scope) && isGranted(scope))) return [...new Set(asked)]
  throw new OAuthError('invalid_scope', 'scope asks for more than may be granted, or for what there is not')
}

/** How an answer tells what its token grants: an empty list is none (RFC 6749 §3.3). */
export const toldScope = (scopes: readonly string[]) => (scopes.length > 0 ? { scope: scopes.join(' ') } : {})
