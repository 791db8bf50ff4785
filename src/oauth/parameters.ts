import { OAuthError } from './oauth-error.ts'

/** The parameters of a request, each at most once. */
export interface Parameters {
  /** Undefined where it is left out or has no value (RFC 6749 §3.2). */
  optional(name: string): string | undefined
  /** @throws OAuthError where it is left out */
  required(name: string): string
}

/**
 * Reads a body of `application/x-www-form-urlencoded`. Parameters that nobody asks for are ignored (RFC 6749 §3.2).
 * @throws OAuthError where a parameter is there twice, or a value cannot be stored as text
 */
export function readParameters(body: string): Parameters {
  const given = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(body)) {
    if (given.has(name)) throw new OAuthError('invalid_request', 'A parameter is there more than once')
    // U+FFFD is what bytes that are no text are read as.
    if (/[\0\ufffd]/.test(value)) throw new OAuthError('invalid_request', 'A parameter is not a text')
    given.set(name, value)
  }
  const optional = (name: string) => {
    const value = given.get(name)
    return value === '' ? undefined : value
  }
  return {
    optional,
    required(name) {
      const value = optional(name)
      if (value === undefined) throw new OAuthError('invalid_request', `${name} is missing`)
      return value
    },
  }
}
