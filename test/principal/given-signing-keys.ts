import type { Database, Listening } from '../../src/database/database.ts'
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

/** The channel between the instances, and the database itself, as they can fail. */
export function givenFailures() {
  return {
    live: true,
    /** Whether the instance has stopped to listen. */
    stopped: false,
    /** What says something to the instance. */
    listening: null as Listening | null,
    broken: false,
    /** What a transaction waits for before it begins. */
    busy: null as Promise<void> | null,
    /** How often somebody has begun a transaction, or tried to. */
    begun: 0,
  }
}

/** A database that an instance hears nothing from, as long as nobody says something. */
export function deaf(database: Database, failures: ReturnType<typeof givenFailures>): Database {
  const em = Object.create(database.orm.em) as Database['orm']['em']
  em.fork = (options) => {
    failures.begun += 1
    if (failures.broken) throw new Error('the database is away')
    const fork = database.orm.em.fork(options)
    const begin = fork.begin.bind(fork)
    fork.begin = async (beginning) => {
      await failures.busy
      return begin(beginning)
    }
    return fork
  }
  return {
    ...database,
    orm: Object.create(database.orm, { em: { value: em } }) as Database['orm'],
    async listen(_channel, listening) {
      failures.listening = listening
      await listening.onConnected()
      return { isLive: () => failures.live, stop: async () => void (failures.stopped = true) }
    },
  }
}

/** Waits until something holds. @throws Error after `withinMs` */
export async function until(holds: () => boolean, withinMs = 1_000): Promise<number> {
  const start = performance.now()
  while (!holds()) {
    if (performance.now() - start > withinMs) throw new Error(`It did not hold within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return performance.now() - start
}
