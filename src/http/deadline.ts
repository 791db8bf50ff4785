/** Whether the caller has been told that an operation took too long: what an `AbortSignal` tells, without its events. */
export type Deadline = Pick<AbortSignal, 'aborted' | 'throwIfAborted'>

/** The deadline of an operation that answers a request. An AbortController costs as much as a small operation does. */
export class TimeLimit implements Deadline {
  aborted = false

  throwIfAborted(): void {
    if (this.aborted) throw new Error('The operation took too long')
  }

  /** A deadline that never comes. */
  static readonly none: Deadline = new TimeLimit()
}

export const timedOut = Symbol('timed out')

/**
 * Answers `timedOut` where `run` takes longer, and lets the limit know. The loser of the race goes on, and what becomes of it
 * is dropped: the answer is sent once.
 */
export async function withTimeLimit<Result>(
  timeoutMs: number,
  limit: TimeLimit,
  run: () => Promise<Result>,
): Promise<Result | typeof timedOut> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(() => {
      resolve(timedOut)
      limit.aborted = true
    }, timeoutMs)
    // After the server has closed, an operation that never ends must not keep the process.
    timer.unref()
  })
  try {
    return await Promise.race([run(), timeout])
  } finally {
    clearTimeout(timer)
  }
}
