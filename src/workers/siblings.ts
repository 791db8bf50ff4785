import type { Siblings } from '../database/database.ts'
import type { FromWorker, Question } from './messages.ts'

/** Longer than any worker takes that serves: one that does not answer hangs, and nobody's request may wait for it. */
const ANSWER_MS = 2_000

interface Asking extends Siblings {
  /** Another worker asks. */
  asked(question: Question): void
  /** All others have answered. */
  answered(number: number): void
}

/** The other workers, as one of them reaches them: through the primary. */
export function createSiblings(tell: (message: FromWorker) => void): Asking {
  const waiting = new Map<number, () => void>()
  let catchUp: () => Promise<unknown> = async () => {}
  let asked = 0
  return {
    haveHeard() {
      const number = (asked += 1)
      return new Promise((resolve) => {
        const timer = setTimeout(() => waiting.get(number)?.(), ANSWER_MS)
        waiting.set(number, () => {
          clearTimeout(timer)
          waiting.delete(number)
          resolve()
        })
        tell({ ask: number })
      })
    },
    whenAsked: (work) => void (catchUp = work),
    asked(question) {
      const answer = () => tell({ answer: question })
      // What could not be done is no reason to have somebody else's request wait.
      catchUp().then(answer, answer)
    },
    answered: (number) => waiting.get(number)?.(),
  }
}
