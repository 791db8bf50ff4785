import type { ChildProcess } from 'node:child_process'
import type { Profiler } from 'node:inspector'

/** What `inside.ts` is asked over the channel that Node opens to a child. */
export type Question = 'watch the event loop' | 'tell its delay' | 'start the profile' | 'tell the profile'

export interface Answer {
  /** How much later than it was due the event loop came round, once in a hundred times. */
  delayP99Ms?: number
  profile?: Profiler.Profile
}

const ANSWER_LIMIT_MS = 30_000

/** Asks a server that was started with `inside.ts`. One question at a time. @throws Error where it does not answer */
export function askInside(child: ChildProcess, question: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer)
      child.off('message', answered).off('close', ended)
      settle()
    }
    const answered = (answer: unknown) => end(() => resolve(answer as Answer))
    const failed = (why: string) => end(() => reject(new Error(`The server was asked to ${question}, and ${why}`)))
    const ended = () => failed('has ended')
    const timer = setTimeout(() => failed('does not answer'), ANSWER_LIMIT_MS)
    child.on('message', answered).on('close', ended)
    child.send(question, (error) => {
      if (error) failed(error.message)
    })
  })
}
