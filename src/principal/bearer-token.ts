import type { RequestFacts } from '../context.ts'
import { unauthenticated } from '../errors.ts'

// RFC 6750 §2.1; the scheme is case-insensitive by RFC 9110 §11.1.
const BEARER = /^bearer +(\S+)$/i

/**
 * The token in `Authorization: Bearer`; null where the request has no such header.
 * @throws ApiError UNAUTHENTICATED with MALFORMED where the header holds anything else
 */
export function bearerToken({ authorization }: RequestFacts['headers']): string | null {
  if (authorization === undefined) return null
  const token = typeof authorization === 'string' ? BEARER.exec(authorization.trim())?.[1] : undefined
  if (token) return token
  throw unauthenticated('MALFORMED', 'The Authorization header must be "Bearer" and an access token')
}
