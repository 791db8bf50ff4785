import { ApiError, httpStatusOf, type ErrorCode } from '../errors.ts'

/** How a request has ended, as a label: a closed set, whatever clients send. `aborted`: its client has not waited for the answer. */
export type Outcome = 'ok' | 'aborted' | ErrorCode

/** Whether a text is one of the server's own error codes. */
export const isErrorCode = (text: unknown): text is ErrorCode => typeof text === 'string' && text in httpStatusOf

/** What an answer's status says of how the request has ended, where nothing else does. */
export function outcomeOfStatus(status: number): 'ok' | ErrorCode {
  if (status < 400) return 'ok'
  const known: Partial<Record<number, ErrorCode>> = {
    401: 'UNAUTHENTICATED',
    403: 'FORBIDDEN',
    413: 'OPERATION_TOO_LARGE',
    429: 'RATE_LIMITED',
    503: 'UNAVAILABLE',
  }
  return known[status] ?? (status >= 500 ? 'INTERNAL_SERVER_ERROR' : 'BAD_REQUEST')
}

/** What was thrown, as a label: the reason of a credential that is not accepted, else the code. */
export function outcomeOfError(thrown: unknown): string {
  if (!(thrown instanceof ApiError)) return 'INTERNAL_SERVER_ERROR'
  const { code, extensions } = thrown
  return code === 'UNAUTHENTICATED' && typeof extensions.reason === 'string' ? extensions.reason : code
}
