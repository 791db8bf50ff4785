import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/*
 * Refresh tokens are opaque, single use, and never stored (RFC 9700 §4.14.2, RFC 6749 §10.4).
 *
 *   rt_ base64url( session id, 16 bytes | secret, 32 bytes | tag, 16 bytes )
 *
 * A session's row keeps the SHA-256 of the secret that is valid now and of the one before it, the nonce between the
 * two, and the session's `reuseKey`. Nothing here asks a database or a clock; the session's service decides by:
 *
 *   hash is the current one            -> rotate: store the hash of `successorOf` under a new nonce, in one statement
 *   hash is the previous one, in grace -> the same `successorOf` under the stored nonce: a racing client gets the token
 *                                         that its other request got, and never a second one
 *   otherwise, and `isGenuine`         -> reuse of a token that was spent: thief or owner, we cannot tell, so the
 *                                         session ends (§4.14.2), and that is committed although the request fails
 *   otherwise                          -> made up. Session ids are no secret; without the tag, whoever has seen one
 *                                         could end somebody's session by sending garbage
 *
 * Who can do what. The client holds the secret and not the nonce: it cannot compute the successor before the server
 * has rotated. A reader of the database holds the nonce, the reuse key and hashes, and not the secret: it can neither
 * sign in nor compute a successor; it could only make a tag, which ends a session. A thief of one spent token and the
 * database together is not kept out: against him stand the grace window and the rotation after it.
 */

const prefix = 'rt_'
const idBytes = 16
const secretBytes = 32
const tagBytes = 16
const textLength = prefix.length + Math.ceil(((idBytes + secretBytes + tagBytes) * 8) / 6)
const uuidShape = /^([\da-f]{8})-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-([\da-f]{12})$/

export interface RefreshToken {
  /** A UUID in lower case. */
  readonly sessionId: string
  /** 32 bytes. */
  readonly secret: Buffer
  /** 16 bytes. */
  readonly tag: Buffer
}

/** A token as the client gets it, once, and what the server keeps of it. */
export interface IssuedRefreshToken {
  readonly token: string
  /** SHA-256 of the secret, in hexadecimal digits. */
  readonly hash: string
}

/** A new reuse key for a new session. */
export function newReuseKey(): Buffer {
  return randomBytes(32)
}

/** A new nonce for one rotation. */
export function newSuccessorNonce(): Buffer {
  return randomBytes(32)
}

/**
 * The first refresh token of a session, of 256 random bits.
 * @throws Error when `sessionId` is no UUID in lower case
 */
export function newRefreshToken(sessionId: string, reuseKey: Uint8Array): IssuedRefreshToken {
  return issued(sessionId, randomBytes(secretBytes), reuseKey)
}

/** Reads a token as it was issued, to the character; null for anything else. Says nothing about its validity. */
export function parseRefreshToken(text: string): RefreshToken | null {
  if (text.length !== textLength || !text.startsWith(prefix)) return null
  const encoded = text.slice(prefix.length)
  const bytes = Buffer.from(encoded, 'base64url')
  // Node skips what is no base64url, and ignores the unused bits of the last character.
  if (bytes.toString('base64url') !== encoded) return null
  return {
    sessionId: uuidOf(bytes.subarray(0, idBytes)),
    secret: bytes.subarray(idBytes, idBytes + secretBytes),
    tag: bytes.subarray(idBytes + secretBytes),
  }
}

/** SHA-256 of a token's secret, in hexadecimal digits. A random secret of 256 bits needs no slow hash (ASVS 6.5.2). */
export function hashOf(secret: Uint8Array): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Whether this server made the token for this session, at any time: tells reuse of a spent token from garbage. */
export function isGenuine(token: RefreshToken, reuseKey: Uint8Array): boolean {
  return timingSafeEqual(token.tag, tagOf(token.sessionId, token.secret, reuseKey))
}

/**
 * The one token that follows `token` under `nonce`. The same arguments give the same successor, so that it can be told
 * again within the grace window and need not be stored.
 */
export function successorOf(token: RefreshToken, nonce: Uint8Array, reuseKey: Uint8Array): IssuedRefreshToken {
  const secret = createHmac('sha256', token.secret).update('tenantry refresh successor').update(nonce).digest()
  return issued(token.sessionId, secret, reuseKey)
}

function issued(sessionId: string, secret: Buffer, reuseKey: Uint8Array): IssuedRefreshToken {
  const bytes = Buffer.concat([bytesOf(sessionId), secret, tagOf(sessionId, secret, reuseKey)])
  return { token: `${prefix}${bytes.toString('base64url')}`, hash: hashOf(secret) }
}

function tagOf(sessionId: string, secret: Uint8Array, reuseKey: Uint8Array): Buffer {
  const whole = createHmac('sha256', reuseKey).update(bytesOf(sessionId)).update(secret).digest()
  return whole.subarray(0, tagBytes)
}

function bytesOf(sessionId: string): Buffer {
  if (!uuidShape.test(sessionId)) throw new Error('A session id must be a UUID in lower case')
  return Buffer.from(sessionId.replaceAll('-', ''), 'hex')
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
