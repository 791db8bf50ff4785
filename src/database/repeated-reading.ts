import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'

/** How often what is unknown makes it read again, and what could not be read is tried again. */
const READ_PAUSE_MS = 1_000
/** How old what is held may be while changes may be missed: what is revoked must end within a second. */
const MOST_AGE_MS = 500

/** Reads one after the other: an older reading cannot undo a newer one, and whoever asks meanwhile shares the next. */
function takeTurns(read: () => Promise<void>) {
  let begunAt = -Infinity
  let latest = Promise.resolve()
  let waiting: Promise<void> | null = null
  let afterPause: Promise<void> | null = null

  function again(): Promise<void> {
    if (waiting) return waiting
    waiting = latest
      .catch(() => undefined)
      .then(() => {
        waiting = null
        begunAt = performance.now()
        return read()
      })
    latest = waiting
    return waiting
  }
  return {
    /** Reads after this call. */
    again,
    /** The same, but not within a second of the reading before. */
    againAfterPause: (): Promise<void> => {
      const pauseMs = Math.max(0, begunAt + READ_PAUSE_MS - performance.now())
      afterPause ??= sleep(pauseMs, undefined, { ref: false }).then(() => {
        afterPause = null
        return again()
      })
      return afterPause
    },
    /** What has been read or is being read, where that was begun just now; else reads again. */
    recently: (): Promise<void> => (performance.now() - begunAt < MOST_AGE_MS ? latest : again()),
  }
}

/**
 * Reads what is held in memory whenever that is asked for, in turns. What could not be read may be that something was
 * revoked: until a reading succeeds what is held is stale, and it is tried again each second.
 * @param read reads it and holds it
 * @param what what it is, in the plural, for the log: `the signing keys`
 */
export function createReading(read: () => Promise<void>, log: Logger, what: string) {
  let hasFailed = false
  let isStopped = false
  let retry: NodeJS.Timeout | undefined
  /** When the readings that a change has asked for, and that have not ended, were asked for: the earliest first. */
  const toldAt = new Map<Promise<void>, number>()
  const { again, againAfterPause, recently } = takeTurns(() => read().then(succeeded, failed))

  function succeeded(): void {
    if (hasFailed) log.info(`${what} have been read again`)
    hasFailed = false
    clearTimeout(retry)
  }
  function failed(error: unknown): never {
    if (!hasFailed) log.warn({ err: error }, `${what} could not be read again`)
    hasFailed = true
    clearTimeout(retry)
    if (!isStopped) retry = setTimeout(changed, READ_PAUSE_MS).unref()
    throw error
  }
  /** Reads after something may have changed. That it has failed is told above. */
  function changed(): void {
    const reading = again()
    if (toldAt.has(reading)) return
    toldAt.set(reading, performance.now())
    void reading.catch(() => undefined).finally(() => toldAt.delete(reading))
  }
  return {
    again,
    againAfterPause,
    recently,
    changed,
    hasFailed: () => hasFailed,
    /** Whether a change may be missing from what is held: it could not be read, or has not come for half a second. */
    isStale(): boolean {
      const [earliest = Infinity] = toldAt.values()
      return hasFailed || performance.now() - earliest > MOST_AGE_MS
    },
    /** What fails is not tried again any more. */
    stop(): void {
      isStopped = true
      clearTimeout(retry)
    },
  }
}
