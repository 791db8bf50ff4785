import type { MetricValues } from '../watching/metrics.ts'
import type { ToWorker } from './messages.ts'

/** A worker whose event loop is held up for longer is left out: what the others show must not wait for it. */
const ANSWER_MS = 2_000

/** The metrics of all workers, as the primary asks for them. */
export interface Measures {
  /** Asks these workers. @returns what has been answered within 2 s, by the workers' places */
  ask(places: readonly number[]): Promise<ReadonlyMap<number, MetricValues>>
  answered(place: number, question: number, values: MetricValues): void
  /** The worker of this place has ended: it answers nothing more. */
  gone(place: number): void
}

interface Open {
  readonly silent: Set<number>
  readonly values: Map<number, MetricValues>
  settle(): void
}

/** @param tell sends to the worker of a place */
export function createMeasures(tell: (place: number, message: ToWorker) => void): Measures {
  const open = new Map<number, Open>()
  let asked = 0

  function settleWhereAllHaveSpoken(question: Open): void {
    if (question.silent.size === 0) question.settle()
  }
  return {
    ask(places) {
      const number = (asked += 1)
      return new Promise((resolve) => {
        const values = new Map<number, MetricValues>()
        const settle = () => {
          clearTimeout(timer)
          open.delete(number)
          resolve(new Map([...values].sort(([one], [other]) => one - other)))
        }
        const timer = setTimeout(settle, ANSWER_MS)
        const question = { silent: new Set(places), values, settle }
        open.set(number, question)
        for (const place of places) tell(place, { measure: number })
        settleWhereAllHaveSpoken(question)
      })
    },
    answered(place, number, values) {
      const question = open.get(number)
      if (!question?.silent.delete(place)) return
      question.values.set(place, values)
      settleWhereAllHaveSpoken(question)
    },
    gone(place) {
      for (const question of open.values()) if (question.silent.delete(place)) settleWhereAllHaveSpoken(question)
    },
  }
}
