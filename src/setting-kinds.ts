import { z } from 'zod'

// The kinds of settings, read from text.

/** `true` or `false`. */
export const flag = (byDefault: boolean) =>
  z
    .enum(['true', 'false'])
    .default(byDefault ? 'true' : 'false')
    .transform((text) => text === 'true')
/** A whole number within bounds. */
export const whole = (byDefault: number, least: number, most: number) =>
  z.coerce.number().int().min(least).max(most).default(byDefault)
/** Texts between commas. */
export const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
  )
/** Hosts as `URL` spells them, which is how they are compared. */
export const hostList = list.refine(
  (hosts) => hosts.every((host) => URL.canParse(`https://${host}`) && new URL(`https://${host}`).host === host),
  'must be host names in lower case, without ports',
)

/** Whether the user name and password of a URL can be read: a `%` in them stands for itself as `%25`. */
export function hasReadableLogin(url: string): boolean {
  try {
    const { username, password } = new URL(url)
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

export const unreadableLogin = 'the user name or the password is not percent-encoded'
