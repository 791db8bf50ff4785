import { unauthenticated, type ApiError } from '../errors.ts'

/** The longest token that is read, in characters. */
export const mostCharacters = 8 * 1024

const threeParts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/
const publicMessages = {
  MALFORMED: 'The access token is malformed',
  INVALID: 'The access token is not valid',
  EXPIRED: 'The access token has expired',
} as const

/** A signed token as it came, each part still in base64url (RFC 7515 §7.1). */
export interface CompactToken {
  readonly header: string
  readonly payload: string
  readonly signature: string
}

/** The parts of a token. @throws ApiError UNAUTHENTICATED with MALFORMED */
export function partsOf(text: string): CompactToken {
  // Before anything reads it: what is too long is not worth a regular expression.
  if (text.length > mostCharacters) throw refused('MALFORMED', 'too long')
  const [, header, payload, signature] = threeParts.exec(text) ?? []
  if (!header || !payload || !signature) throw refused('MALFORMED', 'not three parts in base64url')
  // Unused bits of the last character can be set at will: the text would differ and the signature still be right.
  if (recoded(signature) !== signature) throw refused('MALFORMED', 'signature is not canonical base64url')
  return { header, payload, signature }
}

/**
 * A text that a token says in a claim; null where it says none in a way that can be read. Nothing of it is to be believed: it
 * decides who reads the token, and that is all.
 */
export function claimed(text: string, name: 'iss' | 'client_id'): string | null {
  try {
    const payload: unknown = JSON.parse(Buffer.from(partsOf(text).payload, 'base64url').toString())
    // What null has is an error too.
    const value = (payload as Record<string, unknown>)[name]
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}

const recoded = (encoded: string) => Buffer.from(encoded, 'base64url').toString('base64url')

/** The caller learns one of three reasons; `cause` is for the log and, not being an extension, never leaves. */
export function refused(reason: keyof typeof publicMessages, cause: string): ApiError {
  const error = unauthenticated(reason, publicMessages[reason])
  return Object.defineProperty(error, 'cause', { value: cause })
}
