import { ApiError } from './errors.ts'

/**
 * Whether what is done for a caller is still wanted: no more once it has taken too long, or once nobody is left to hear of it.
 * What an `AbortSignal` tells, without its events.
 */
export interface Deadline extends Pick<AbortSignal, 'aborted' | 'throwIfAborted'> {
  /** Called when it passes. For whoever works on the operation's connection, of which there is one at a time. */
  onAbort: (() => void) | null
}

/** The deadline of an operation that answers a request. An AbortController costs as much as a small operation does. */
export class TimeLimit implements Deadline {
  aborted = false
  onAbort: (() => void) | null = null
  #hasLeft = false
  #isQuery = false

  /** @throws ApiError TIMEOUT where it has passed; whoever is told of it has been told already, or has left */
  throwIfAborted(): void {
    if (this.aborted) throw new ApiError('TIMEOUT', 'The operation took too long')
  }

  abort(): void {
    if (this.aborted) return
    this.aborted = true
    this.onAbort?.()
  }

  /** Whoever asked has gone. A query is of no use any more; what a mutation was asked to do is done all the same. */
  leave(): void {
    this.#hasLeft = true
    if (this.#isQuery) this.abort()
  }

  /** What was asked for turns out to be a query. */
  isQuery(): void {
    this.#isQuery = true
    if (this.#hasLeft) this.abort()
  }

  /** A deadline that never comes. */
  static readonly none: Deadline = new TimeLimit()
}

export const timedOut = Symbol('timed out')

/**
 * Answers `timedOut` where `run` takes longer, and lets the limit know. The loser of the race comes to its end by itself, and
 * what becomes of it is dropped: the answer is sent once.
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
      limit.abort()
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
