import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { isDeepStrictEqual, promisify } from 'node:util'
import type { SigningKeyAlgorithm, SigningKeyRow } from './signing-key.entity.ts'
import type { KeySealing } from './signing-key-sealing.ts'
import { leastRsaBits, publishedKey, type PublishedKey } from './signing-keys.ts'

const generate = promisify(generateKeyPair)

/** A key of the table, opened. Times are milliseconds since 1970. */
export interface OpenedKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly published: PublishedKey
  readonly signsFrom: number
  /** Null for the last. */
  readonly signsUntil: number | null
}

/** What a row says of a key that never changes. */
export type NewKey = Pick<SigningKeyRow, 'kid' | 'algorithm' | 'publicJwk' | 'privateKey'>

/** Makes a key pair, as it is stored. */
export async function makeKeyPair(algorithm: SigningKeyAlgorithm, sealing: KeySealing): Promise<NewKey> {
  const { privateKey, publicKey } =
    algorithm === 'RS256'
      ? await generate('rsa', { modulusLength: leastRsaBits })
      : await generate('ec', { namedCurve: 'P-256' })
  const { jwk } = publishedKey(publicKey)
  return { kid: jwk.kid, algorithm, publicJwk: jwk, privateKey: sealing.seal(privateKey, { kid: jwk.kid, algorithm }) }
}

/**
 * Opens a key of the table. Only what was sealed with the secret verifies anything: the public key is taken from the
 * private one, so that whoever can write rows and does not have the secret cannot add a key of their own.
 * @throws Error naming the key where it was sealed with another secret, or the row has been changed.
 */
export function openKeyPair(row: SigningKeyRow, sealing: KeySealing): OpenedKey {
  const { kid, algorithm, signsFrom, signsUntil } = row
  try {
    const privateKey = sealing.open(row.privateKey ?? '', { kid, algorithm })
    const published = publishedKey(createPublicKey(privateKey))
    if (!isDeepStrictEqual(published.jwk, row.publicJwk)) throw new Error('the public key is another')
    const times = { signsFrom: signsFrom.getTime(), signsUntil: signsUntil?.getTime() ?? null }
    return { kid, privateKey, published, ...times }
  } catch {
    // Nothing of the cause: it may be about what the key contains.
    throw new Error(
      `The signing key ${kid} of the database does not open with SIGNING_KEYS_ENCRYPTION_KEY: this is not the secret ` +
        'that it was made with, or the row has been changed',
    )
  }
}
