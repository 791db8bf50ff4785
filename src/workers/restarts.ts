/** How long a worker must have served for what was before it to be forgotten. */
const STEADY_MS = 60_000
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 30_000
/** So many starts that fail one after the other, over more than ten seconds, and it is not bad luck. */
const MOST_FAILED_STARTS = 7

/** Says when another worker takes the place of one that has ended. */
export interface Restarts {
  /** A worker has begun to serve. */
  started(): void
  /**
   * A worker has ended.
   * @param servedMs how long it has served; null where it had not begun to
   * @returns how many milliseconds to wait before the next one is started: twice as many each time, half a minute at most;
   * null where none can start, so that it is not worth trying any more
   */
  waitAfter(servedMs: number | null): number | null
}

/** The restarts of one worker after the other in the same place. */
export function createRestarts(): Restarts {
  let ended = 0
  let failedStarts = 0
  return {
    started: () => void (failedStarts = 0),
    waitAfter(servedMs) {
      if (servedMs === null) failedStarts += 1
      if (failedStarts >= MOST_FAILED_STARTS) return null
      ended = servedMs !== null && servedMs >= STEADY_MS ? 1 : ended + 1
      return Math.min(FIRST_WAIT_MS * 2 ** (ended - 1), LONGEST_WAIT_MS)
    },
  }
}
