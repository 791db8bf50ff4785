import { createHmac, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_BYTES = 32
/** Enough digits for every value: 62^43 > 2^256, 62^6 > 2^32. */
const RANDOM_DIGITS = 43
const CHECKSUM_DIGITS = 6
const wellFormed = new RegExp(`^(tk_(?:live|test)_[0-9A-Za-z]{${RANDOM_DIGITS}})([0-9A-Za-z]{${CHECKSUM_DIGITS}})$`)

function base62(value: bigint, digits: number): string {
  let text = ''
  for (let rest = value; text.length < digits; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text
  return text
}

/** Of each request's key, so without the big numbers. */
function checksumOf(text: string): string {
  let digits = ''
  for (let rest = crc32(text); digits.length < CHECKSUM_DIGITS; rest = Math.floor(rest / 62)) {
    digits = ALPHABET.charAt(rest % 62) + digits
  }
  return digits
}

/**
 * A new secret: `tk_live_` in production, `tk_test_` elsewhere, so that people and secret scanners can tell them apart;
 * 256 bits of randomness; a checksum.
 */
export function newApiKeySecret(environment: 'live' | 'test'): string {
  const random = BigInt(`0x${randomBytes(RANDOM_BYTES).toString('hex')}`)
  const text = `tk_${environment}_${base62(random, RANDOM_DIGITS)}`
  return text + checksumOf(text)
}

/** False for a text that no key can have: a slip of the pen or a guess, known without asking the database. */
export function isApiKeySecret(text: string): boolean {
  const [, body, checksum] = wellFormed.exec(text) ?? []
  return body !== undefined && checksumOf(body) === checksum
}

/** What is stored of a secret. 256 bits of randomness need no slow hash (ASVS 6.5.2). */
export function hashOfApiKey(secret: string, hashKey: Uint8Array): string {
  return createHmac('sha256', hashKey).update(secret).digest('base64url')
}
