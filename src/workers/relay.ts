import type { Question, ToWorker } from './messages.ts'

/** Passes questions on to all other workers, and tells who has asked when all of them have answered, or are gone. */
export interface Relay {
  ask(question: Question, others: readonly number[]): void
  answer(place: number, question: Question): void
  /** The worker of this place has ended: it answers nothing more, and needs no answer. */
  gone(place: number): void
}

/** @param tell sends to the worker of a place */
export function createRelay(tell: (place: number, message: ToWorker) => void): Relay {
  const open = new Map<string, { question: Question; silent: Set<number> }>()
  const keyOf = ({ from, number }: Question) => `${from}:${number}`

  function settle(question: Question, silent: ReadonlySet<number>): void {
    if (silent.size > 0) return
    open.delete(keyOf(question))
    tell(question.from, { answered: question.number })
  }
  return {
    ask(question, others) {
      const silent = new Set(others)
      open.set(keyOf(question), { question, silent })
      for (const place of others) tell(place, { asked: question })
      settle(question, silent)
    },
    answer(place, question) {
      const silent = open.get(keyOf(question))?.silent
      if (silent?.delete(place)) settle(question, silent)
    },
    gone(place) {
      for (const [key, { question, silent }] of open) {
        if (question.from === place) open.delete(key)
        else if (silent.delete(place)) settle(question, silent)
      }
    },
  }
}
