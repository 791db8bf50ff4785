import { validate } from 'uuid'
import { badUserInput, type BadInput } from './errors.ts'

/** The longest name of anything, in code points. */
export const NAME_MAX = 200

/**
 * A text that a client must give, trimmed.
 * @throws ApiError BAD_USER_INPUT where it is empty, too long or null.
 */
export function requiredText(path: BadInput['path'], text: string | null | undefined, most = NAME_MAX): string {
  const trimmed = text?.trim() ?? ''
  if (trimmed === '') throw badUserInput({ path, reason: 'must not be empty' })
  return bounded(path, trimmed, most)
}

/** A text that may be left out or cleared; null where it is empty. @throws ApiError BAD_USER_INPUT where it is too long. */
export function optionalText(path: BadInput['path'], text: string | null | undefined, most = NAME_MAX): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? null : bounded(path, trimmed, most)
}

function bounded(path: BadInput['path'], text: string, most: number): string {
  if (Array.from(text).length > most) throw badUserInput({ path, reason: `must have at most ${most} characters` })
  return text
}

/** A time as it is. @throws ApiError BAD_USER_INPUT outside of the years from 1 to 9999: what is written in four digits. */
export function storableTime(path: BadInput['path'], time: Date): Date {
  const year = time.getUTCFullYear()
  if (year >= 1 && year <= 9999) return time
  throw badUserInput({ path, reason: 'must be in a year from 1 to 9999' })
}

/** The id in the spelling of the database; null for what no row can have, so that it is looked for nowhere. */
export function rowId(id: string): string | null {
  return validate(id) ? id.toLowerCase() : null
}

/** RFC 5321 §4.5.3.1.3: a path of 256 characters, with its brackets. */
export const EMAIL_MAX = 254

/** Of a text that normalization makes an address of at most {@link EMAIL_MAX} characters, in UTF-16 units. */
const EMAIL_READ_MAX = 4 * EMAIL_MAX

/**
 * An e-mail address as it is stored: the same account however it is typed. A text that is too long for any stays as it is, and is
 * nobody's: normalization costs the square of a run of combining marks.
 */
export function normalizedEmail(email: string): string {
  return email.length > EMAIL_READ_MAX ? email : email.normalize('NFC').toLowerCase()
}

/** A pattern for `ilike` that finds the text anywhere, whatever characters are in it. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
}
