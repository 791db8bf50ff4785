import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'

/** What a sealed key belongs to: opened for anything else, it does not open. */
export interface SealedFor {
  readonly kid: string
  readonly algorithm: string
}

/** Private keys as they lie in the database. */
export interface KeySealing {
  /** @returns text that tells nothing of the key. */
  seal(privateKey: KeyObject, belongsTo: SealedFor): string
  /** @throws Error where it was sealed with another secret or for another key, or has been changed. */
  open(sealed: string, belongsTo: SealedFor): KeyObject
}

const CIPHER = 'aes-256-gcm'
const VERSION = 'v1'
/** NIST SP 800-38D §8.2.2: random, of 96 bits. As few keys are sealed, no two will ever share one. */
const IV_BYTES = 12
const TAG_BYTES = 16

/** The associated data: a row's ciphertext under another row's id or algorithm is not authentic (RFC 8725 §3.1). */
const associated = ({ kid, algorithm }: SealedFor) =>
  Buffer.from(JSON.stringify(['signing key', VERSION, kid, algorithm]))

/** Seals private keys with AES-256-GCM. @param secret SIGNING_KEYS_ENCRYPTION_KEY: 32 bytes or more, random */
export function createKeySealing(secret: string): KeySealing {
  const derived = hkdfSync('sha256', secret, '', 'tenantry signing keys, AES-256-GCM', 32)
  const key = createSecretKey(Buffer.from(derived))
  return {
    seal(privateKey, belongsTo) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(associated(belongsTo))
      const der = privateKey.export({ type: 'pkcs8', format: 'der' })
      const sealed = Buffer.concat([iv, cipher.update(der), cipher.final(), cipher.getAuthTag()])
      return `${VERSION}.${sealed.toString('base64url')}`
    },
    open(text, belongsTo) {
      const [version, encoded = '', ...more] = text.split('.')
      const sealed = Buffer.from(encoded, 'base64url')
      if (version !== VERSION || more.length > 0 || sealed.length <= IV_BYTES + TAG_BYTES) {
        throw new Error('not a sealed key')
      }
      const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(associated(belongsTo))
        .setAuthTag(sealed.subarray(-TAG_BYTES))
      const der = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
      return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    },
  }
}
