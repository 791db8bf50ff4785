import { GraphQLError, type GraphQLErrorExtensions } from 'graphql'

/** The codes of `ErrorCode` in schema/common.graphql that this code throws by itself, with their HTTP status. */
export const httpStatusOf = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 200,
  BAD_USER_INPUT: 200,
  CONFLICT: 200,
  RATE_LIMITED: 429,
  OPERATION_TOO_LARGE: 400,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  BAD_REQUEST: 400,
  OPERATION_RESOLUTION_FAILURE: 400,
  PERSISTED_QUERY_NOT_FOUND: 200,
  PERSISTED_QUERY_NOT_SUPPORTED: 200,
  DOCUMENT_NOT_TRUSTED: 400,
  TIMEOUT: 503,
  UNAVAILABLE: 503,
  INTERNAL_SERVER_ERROR: 500,
} as const
export type ErrorCode = keyof typeof httpStatusOf

/** Why a credential is not accepted. */
export const unauthenticatedReasons = [
  ...(['MISSING', 'MALFORMED', 'INVALID', 'EXPIRED', 'REVOKED', 'REUSED', 'INVALID_CREDENTIALS'] as const),
]
export type UnauthenticatedReason = (typeof unauthenticatedReasons)[number]

/** Why a principal that is known is not let. A closed list, since it is also a label of the metrics. */
export const forbiddenReasons = [
  ...(['WRONG_KIND', 'INSUFFICIENT_ROLE', 'INSUFFICIENT_SCOPE', 'ABOVE_OWN_ROLE', 'ABOVE_OWN_SCOPES'] as const),
  ...(['NO_ORGANIZATION', 'NOT_A_MEMBER', 'NOT_THE_CURRENT_ORGANIZATION', 'UNKNOWN_ORGANIZATION'] as const),
  ...(['NOT_THE_TOKENS_ORGANIZATION', 'ORGANIZATION_DELETED', 'ORGANIZATION_SUSPENDED'] as const),
  ...(['NOT_THE_KEYS_ORGANIZATION', 'NOT_THE_TENANTS_KEY', 'TENANT_API_KEY_REQUIRED'] as const),
  ...(['REVOKED', 'EXPIRED', 'INACTIVE'] as const),
]
export type ForbiddenReason = (typeof forbiddenReasons)[number]

/**
 * An error that the caller may see, whole: its message, code and extensions leave the server as they are.
 * Anything else that is thrown is internal, and only the request's id leaves the server.
 */
export class ApiError extends GraphQLError {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, extensions: GraphQLErrorExtensions = {}) {
    super(message, { extensions: { code, ...extensions } })
    this.name = 'ApiError'
    this.code = code
  }
}

/** No credential, or one that is not accepted. */
export function unauthenticated(reason: UnauthenticatedReason, message: string): ApiError {
  return new ApiError('UNAUTHENTICATED', message, { reason })
}

/** The principal is known and lacks access. `required` and `missing` name scopes, roles or kinds. */
export function forbidden(
  reason: ForbiddenReason,
  message: string,
  told: { required?: readonly string[]; missing?: readonly string[] } = {},
): ApiError {
  return new ApiError('FORBIDDEN', message, { reason, required: told.required ?? [], missing: told.missing ?? [] })
}

/** There is no such row, or none that the principal may see: the two are not told apart. */
export function notFound(what: string): ApiError {
  return new ApiError('NOT_FOUND', `${what} not found`)
}

/** One value that is not accepted: where it stands in the arguments, and why. */
export interface BadInput {
  path: readonly (string | number)[]
  reason: string
}

/** Values that are not accepted, all of them at once. */
export function badUserInput(...inputs: readonly [BadInput, ...BadInput[]]): ApiError {
  const text = inputs.map((input) => `${input.path.join('.')}: ${input.reason}`).join('; ')
  return new ApiError('BAD_USER_INPUT', text, { inputs })
}

/** The change contradicts what is there; `reason` is a constant that a client can switch on. */
export function conflict(reason: string, message: string): ApiError {
  return new ApiError('CONFLICT', message, { reason })
}

/** Too many attempts. */
export function rateLimited(retryAfterSeconds: number, message = 'Too many attempts'): ApiError {
  return new ApiError('RATE_LIMITED', message, { retryAfterSeconds: Math.max(1, Math.ceil(retryAfterSeconds)) })
}

/** The server cannot do it now, and will be able to by itself. A change that was asked for may have been made all the same. */
export function unavailable(message: string, retryAfterSeconds = 1): ApiError {
  return new ApiError('UNAVAILABLE', message, { retryAfterSeconds })
}
