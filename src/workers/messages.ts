import type { Config } from '../config.ts'
import type { EndSignal } from '../serve.ts'
import type { MetricValues } from '../watching/metrics.ts'

/** Whether the others have heard of what the worker in a place has done: its question, by a number of its own. */
export interface Question {
  readonly from: number
  readonly number: number
}

/**
 * What the primary tells a worker: what to serve with, what another one asks, that all have answered, to show its metrics, and
 * at last to end.
 */
export type ToWorker =
  | { start: { place: number; config: Config } }
  | { asked: Question }
  | { answered: number }
  | { measure: number }
  | { end: EndSignal }

/**
 * What a worker tells the primary: that it serves now, and where; what it asks the others; its answer to another one; and its
 * metrics, by the number of the question.
 */
export type FromWorker =
  { address: string } | { ask: number } | { answer: Question } | { measured: number; values: MetricValues }
