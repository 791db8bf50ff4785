import { createHmac } from 'node:crypto'
import { genSaltSync } from 'bcryptjs'
import pLimit from 'p-limit'
import { Piscina } from 'piscina'
import { rateLimited } from '../errors.ts'
import type { Deadline } from '../deadline.ts'
import type { CredentialMetrics } from '../watching/credential-metrics.ts'
import { createMetrics } from '../watching/metrics.ts'
import type { CompareTask, HashTask } from './password-worker.ts'

export interface PasswordHasherSettings {
  /** 32 bytes or more, the same on every instance: without it no password can be verified any more. */
  readonly pepper: Uint8Array
  /** bcrypt's cost: 2^cost rounds. */
  readonly cost: number
  /** How many passwords are hashed at once. */
  readonly threads: number
  /** How many more may wait. */
  readonly maxQueue: number
  readonly metrics?: CredentialMetrics
}

export interface PasswordHasher {
  /** The text to store for a new password. @throws RATE_LIMITED when the queue is full; as for `verify`, TIMEOUT. */
  hash(password: string, deadline?: Deadline): Promise<string>
  /**
   * Whether this is the password. With null, for an account that does not exist, or with a text that is no hash, the
   * answer is false after the same work. `needsRehash`: the password is right, and its hash of a lower cost or an older
   * scheme than `hash` now makes.
   * @param deadline where it has passed when a thread is free, the password is not looked at
   * @throws RATE_LIMITED when the queue is full; TIMEOUT
   */
  verify(
    password: string,
    storedHash: string | null,
    deadline?: Deadline,
  ): Promise<{ ok: boolean; needsRehash: boolean }>
  /** How many are being looked at, or wait for it. */
  unfinished(): number
  /** Waits for what runs, and ends the threads. */
  close(): Promise<void>
}

/**
 * The scheme's name and version stand before bcrypt's own text: `$hmac-bcrypt$v=1$2b$12$…`. bcrypt's text alone is the
 * older scheme, of accounts that were brought along: bcrypt over the password itself.
 */
const scheme = '$hmac-bcrypt$v=1'
const storedShape = /^(\$hmac-bcrypt\$v=1)?(\$2[aby]\$(0[4-9]|1\d)\$[./A-Za-z\d]{53})$/

/**
 * The threads yield to the event loop, or a flood of sign-ins would slow everybody else's requests; at 5 they still get a quarter
 * of a CPU that it keeps busy. Elsewhere than on Linux this is the priority of the whole process.
 */
const niceIncrement = process.platform === 'linux' ? 5 : 0

/**
 * Makes the pool of worker threads that hash passwords: on the event loop, each would stall every request for half a
 * second. The threads start with the first password, and end after a minute without one.
 */
export function createPasswordHasher(settings: PasswordHasherSettings): PasswordHasher {
  const { cost, threads, maxQueue, pepper, metrics = createMetrics().credentials } = settings
  const filename = new URL('./password-worker.ts', import.meta.url).href
  const pool = new Piscina({ filename, minThreads: 0, maxThreads: threads, idleTimeout: 60_000, niceIncrement })
  const decoy = decoyOf(cost)
  const inTurn = pLimit(threads)
  const unfinished = new Set<Promise<unknown>>()

  async function run<T>(name: 'hash' | 'compare', task: HashTask | CompareTask, deadline?: Deadline): Promise<T> {
    // Unbounded, a burst of sign-ins would hold each of its requests for minutes.
    if (unfinished.size >= threads + maxQueue) {
      metrics.passwordRefused()
      throw rateLimited(1, 'Too many passwords are being checked')
    }
    const hashed = inTurn(async () => {
      // Who has been answered would only make those behind them late as well.
      deadline?.throwIfAborted()
      return (await pool.run(task, { name })) as T
    })
    unfinished.add(hashed)
    try {
      return await metrics.hashPassword(() => hashed)
    } finally {
      unfinished.delete(hashed)
    }
  }

  return {
    hash: async (password, deadline) => {
      if (isTooLongToRead(password)) throw new Error('The password policy has not been asked')
      return scheme + (await run<string>('hash', { input: digestOf(password, pepper), cost }, deadline))
    },
    async verify(given, storedHash, deadline) {
      // Nobody has such a password: the same work, and no.
      const isNone = isTooLongToRead(given)
      const password = isNone ? '' : given
      const [, ownScheme, bcryptHash, ownCost] = storedShape.exec(storedHash ?? '') ?? []
      const isOlder = bcryptHash !== undefined && ownScheme === undefined
      const input = isOlder ? password.normalize('NFC') : digestOf(password, pepper)
      const matches = await run<boolean>('compare', { input, cost, bcryptHash: bcryptHash ?? decoy }, deadline)
      const ok = matches && bcryptHash !== undefined && !isNone
      return { ok, needsRehash: ok && (isOlder || Number(ownCost) < cost) }
    },
    unfinished: () => unfinished.size,
    async close() {
      await Promise.allSettled(unfinished)
      await pool.close()
    },
  }
}

/**
 * Whether a text is longer than any password can be, in UTF-16 units: 1,024 code points, and what normalization may join.
 * To be asked before any normalization, whose cost grows with the square of a run of combining marks.
 */
export function isTooLongToRead(text: string): boolean {
  return text.length > 4_096
}

/**
 * What bcrypt gets for a password. bcrypt reads 72 bytes and drops the rest without a word; 44 characters that depend on
 * all of the password have neither that limit nor its trouble with NUL. NFC: the same password typed on another
 * keyboard may come in other code points (NIST SP 800-63B-4 §3.1.1.2). Made here, so that a password of the current scheme
 * never reaches a thread.
 */
function digestOf(password: string, pepper: Uint8Array): string {
  return createHmac('sha256', pepper).update(password.normalize('NFC')).digest('base64')
}

/**
 * A hash that nobody has the password of, to compare with where there is none. bcrypt hashes under the salt and only then
 * looks at the rest, so a real salt of the same cost makes the real work, and any rest will do.
 */
function decoyOf(cost: number): string {
  return genSaltSync(cost) + '.'.repeat(31)
}
