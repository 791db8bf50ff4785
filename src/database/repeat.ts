import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../deadline.ts'
import { isConflictOfTransactions } from './failures.ts'

const MOST_ATTEMPTS = 4
/** Waited before the second attempt, at most; twice as long before each further one. */
const FIRST_WAIT_MS = 20

/**
 * Does the work of a transaction again where PostgreSQL has ended it for the sake of another one: a deadlock (40P01) or a
 * serialization failure (40001). It says so only of what it has rolled back as a whole, so nothing is done twice. No other
 * failure says as much, and none is repeated: a connection that breaks at the commit may have broken after it.
 * @param once one attempt: begins a transaction of its own, and has no effect but what that commits
 * @param deadline nothing is repeated for a caller who has been answered already
 */
export async function repeatOnConflict<T>(once: () => Promise<T>, deadline?: Deadline): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once()
    } catch (error) {
      if (attempt === MOST_ATTEMPTS || !isConflictOfTransactions(error) || deadline?.aborted) throw error
    }
    // By chance, so that two who have met do not meet again.
    await sleep(Math.random() * FIRST_WAIT_MS * 2 ** (attempt - 1))
  }
}
