import { startSharedSigningKeys } from '../../src/principal/shared-signing-keys.ts'
import { createKeySealing } from '../../src/principal/signing-key-sealing.ts'
import type { SigningKeyTable } from '../../src/principal/signing-key-table.ts'
import { createLogger } from '../../src/http/log.ts'
import type { TestDatabase } from '../database/given-database.ts'
import { startMs, ttlSeconds } from './given-tokens.ts'

export const ENCRYPTION_KEY = 'Vq8mT3xZ0bLr6NcYw1Kp9HsDf4Gj7EuA2iOtRzXvQ5'

/** The settings of a server whose signing keys are in the database. */
export const sharedKeySettings = { JWT_SECRET: '', SIGNING_KEYS_ENCRYPTION_KEY: ENCRYPTION_KEY }

export const publishSeconds = 600
export const lifetimeSeconds = ttlSeconds + 120

/** A clock that is moved by hand. */
export function givenClock(start = startMs) {
  let now = start
  return {
    clock: () => new Date(now),
    now: () => now,
    pass: (seconds: number) => void (now += seconds * 1_000),
  }
}

/** Everything that a logger was told, a line each. */
export function givenLog() {
  const logged: string[] = []
  return { logged, log: createLogger('info', { write: (line: string) => void logged.push(line) }) }
}

/** The table of the keys in a test's database. */
export function tableIn(
  { database }: Pick<TestDatabase, 'database'>,
  { clock, secret = ENCRYPTION_KEY, ...others }: Partial<SigningKeyTable> & { clock: () => Date; secret?: string },
): SigningKeyTable {
  const sealing = createKeySealing(secret)
  return { database, log: givenLog().log, clock, sealing, algorithm: 'ES256', publishSeconds, ...others }
}

/** What an instance starts with. */
export const startKeys = (table: SigningKeyTable) => startSharedSigningKeys({ table, lifetimeSeconds, older: [] })

/** Waits until something holds. @throws Error after `withinMs` */
export async function until(holds: () => boolean, withinMs = 1_000): Promise<number> {
  const start = performance.now()
  while (!holds()) {
    if (performance.now() - start > withinMs) throw new Error(`It did not hold within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return performance.now() - start
}
