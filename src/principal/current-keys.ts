import type { KeySharing, SigningKeys } from './signing-keys.ts'

interface Verifying<T> {
  /** Verifies with the keys that are held. @throws where it does not */
  verify: () => T
  /** Whether it failed for want of a key that another instance may have made meanwhile. */
  lacksKey: (error: unknown) => boolean
  /** Awaited before the database is asked for anything. @throws where it must not be */
  beforeReading: () => Promise<void>
}

/**
 * Verifies with the keys as they are on every instance: with those that are held, and at once, as long as changes are heard
 * of; a promise only where the keys have to be read again first.
 */
export function withCurrentKeys<T>({ shared }: SigningKeys, verifying: Verifying<T>): T | Promise<T> {
  if (!shared) return verifying.verify()
  if (!shared.isLive()) return verifyUnheard(shared, verifying)
  try {
    return verifying.verify()
  } catch (error) {
    return verifyAgain(shared, verifying, error)
  }
}

/** While changes may be missed: a key may have been revoked. */
async function verifyUnheard<T>(shared: KeySharing, verifying: Verifying<T>): Promise<T> {
  await verifying.beforeReading()
  await shared.keepUp()
  try {
    return verifying.verify()
  } catch (error) {
    return verifyAgain(shared, verifying, error)
  }
}

/** @throws what was thrown before, where it was not for want of a key */
async function verifyAgain<T>(shared: KeySharing, verifying: Verifying<T>, error: unknown): Promise<T> {
  if (!verifying.lacksKey(error)) throw error
  await verifying.beforeReading()
  await shared.readAgain()
  return verifying.verify()
}
