import { dictionary } from '@zxcvbn-ts/language-common'
import { isTooLongToRead } from '../../principal/password-hashing.ts'

export interface PasswordPolicy {
  /** In code points. */
  readonly minLength: number
  readonly requireLetterAndDigit: boolean
}

/** What a guesser would try first for this account. */
export interface PasswordContext {
  readonly email: string
  readonly organizationName: string | null
}

const maxLength = 1024
const serviceName = 'tenantry'
/** Shorter words than this are in too many passwords to say anything. */
const leastWordLength = 3

/** Some 49,000, in lower case. */
const commonPasswords: ReadonlySet<string> = new Set(dictionary['passwords-common'])

/**
 * Why a password is not accepted, as the end of a sentence that starts with "The password"; null when it is accepted.
 * Any character may be in it. As NIST SP 800-63B-4 §3.1.1.2 demands, the whole password is compared with what is
 * blocked, not its parts: `acme-2026` is refused to a member of Acme, and `acme correct horse 7` is not.
 */
export function checkPassword(password: string, context: PasswordContext, policy: PasswordPolicy): string | null {
  if (isTooLongToRead(password)) return `must have at most ${maxLength} characters`
  const text = password.normalize('NFC')
  const length = Array.from(text).length
  if (length < policy.minLength) return `must have at least ${policy.minLength} characters`
  if (length > maxLength) return `must have at most ${maxLength} characters`
  if (policy.requireLetterAndDigit && !(/\p{L}/u.test(text) && /\p{Nd}/u.test(text))) {
    return 'must have at least one letter and one digit'
  }
  if (commonPasswords.has(text.toLowerCase())) return 'is one of the most common passwords'
  const isMadeOf = comparedWith(text, policy.minLength)
  const word = contextWords(context).find(([, blocked]) => isMadeOf(blocked))
  return word ? `is too close to ${word[0]}` : null
}

function contextWords({ email, organizationName }: PasswordContext): [what: string, word: string][] {
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1).split('.')
  return [
    ['the e-mail address', email],
    ['the e-mail address', email.slice(0, Math.max(at, 0))],
    // All names but the last: `acme` and `co` of `acme.co.uk`.
    ...domain.slice(0, -1).map((name): [string, string] => ["the e-mail address's domain", name]),
    ["the organization's name", organizationName ?? ''],
    ['the name of this service', serviceName],
  ]
}

/** Whether the password is a word, but for case, signs, and fewer digits before and behind it than a password needs. */
function comparedWith(password: string, minLength: number): (word: string) => boolean {
  const given = lettersAndDigits(password)
  const core = withoutOuterDigits(given)
  const isCoreOfPassword = core.length > 0 && given.length - core.length < minLength
  return (word) => {
    const wanted = lettersAndDigits(word)
    if (Array.from(wanted).length < leastWordLength) return false
    return given === wanted || (isCoreOfPassword && core === withoutOuterDigits(wanted))
  }
}

const lettersAndDigits = (text: string) =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{Nd}]/gu, '')

/** Without a pattern for the end: it would be tried at each digit of the text, and cost the square of their number. */
function withoutOuterDigits(text: string): string {
  const characters = Array.from(text)
  const isDigit = (character: string) => /\p{Nd}/u.test(character)
  const first = characters.findIndex((character) => !isDigit(character))
  const last = characters.findLastIndex((character) => !isDigit(character))
  return first === -1 ? '' : characters.slice(first, last + 1).join('')
}
