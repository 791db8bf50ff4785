import { ApiError, type ErrorCode } from '../errors.ts'

/** RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8693 §2.2.2; the last two for what is neither the client's nor the grant's fault. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'temporarily_unavailable'

const STATUS: Partial<Record<OAuthErrorCode, number>> = { invalid_client: 401, temporarily_unavailable: 429 }

/** What a client is told when a request fails. All of it leaves the server as it is. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode
  readonly retryAfterSeconds: number | null

  constructor(code: OAuthErrorCode, description: string, retryAfterSeconds: number | null = null) {
    super(description)
    this.name = 'OAuthError'
    this.code = code
    this.retryAfterSeconds = retryAfterSeconds
  }

  /** The HTTP status. */
  get status(): number {
    return STATUS[this.code] ?? 400
  }

  get body(): { error: OAuthErrorCode; error_description: string } {
    // RFC 6749 §5.2: no other characters.
    return { error: this.code, error_description: this.message.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'") }
  }
}

const refusals: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'BAD_USER_INPUT', 'BAD_REQUEST', 'CONFLICT']

/**
 * Does what the rest of the server does for GraphQL, and tells what it refuses in the words of OAuth 2.0.
 * @param code what a refusal is called: which of the presented credentials it is about
 * @throws OAuthError; what is internal is thrown on as it is
 */
export async function inOAuthTerms<T>(code: OAuthErrorCode, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asOAuthError(error, code)
  }
}

function asOAuthError(error: unknown, code: OAuthErrorCode): unknown {
  if (!(error instanceof ApiError)) return error
  if (error.code === 'RATE_LIMITED') {
    return new OAuthError('temporarily_unavailable', error.message, Number(error.extensions.retryAfterSeconds))
  }
  if (!refusals.includes(error.code)) return error
  return new OAuthError(error.code === 'BAD_REQUEST' ? 'invalid_request' : code, error.message)
}
