import type { Parts } from './parts/parts.ts'
import type { Sample, Visit } from './rounds.ts'
import { median, ratioByRound } from './statistics.ts'
import type { CaseId } from './workloads.ts'

/** What a server needs for a case: medians over the rounds. */
export interface Figures {
  server: string
  case: CaseId
  serverCpuUs: number | null
  /** The median of each round's own ratio: the speed of a machine changes from one round to the next. */
  timesRaw: number | null
  postgresCpuUs: number | null
  perSecond: number | null
  p50Ms: number | null
  p99Ms: number | null
  delayP99Ms: number | null
  hashesPerSecond: number | null
}

export interface ServerFigures {
  server: string
  startUpMs: number | null
  rssMiB: number | null
}

/** The medians of each server and case, in the order in which they were measured. */
export function figuresOf(samples: readonly Sample[]): Figures[] {
  const pairs = new Map(samples.map((sample) => [`${sample.server} ${sample.case}`, sample]))
  return [...pairs.values()].map((one) => {
    const of = (server: string) => samples.filter((sample) => sample.server === server && sample.case === one.case)
    const own = of(one.server)
    const middle = (figure: (sample: Sample) => number | null) => median(own.map(figure))
    return {
      server: one.server,
      case: one.case,
      serverCpuUs: middle(({ serverCpuUs }) => serverCpuUs),
      timesRaw: ratioByRound(own, of('raw'), ({ serverCpuUs }) => serverCpuUs),
      postgresCpuUs: middle(({ postgresCpuUs }) => postgresCpuUs),
      perSecond: middle(({ perSecond }) => perSecond),
      p50Ms: middle(({ p50Ms }) => p50Ms),
      p99Ms: middle(({ p99Ms }) => p99Ms),
      delayP99Ms: middle(({ delayP99Ms }) => delayP99Ms),
      hashesPerSecond: middle(({ hashesPerSecond }) => hashesPerSecond),
    }
  })
}

/** Start-up, and memory after a round's reading. */
export function serverFiguresOf(visits: readonly Visit[]): ServerFigures[] {
  return [...new Set(visits.map(({ server }) => server))].map((server) => {
    const own = visits.filter((visit) => visit.server === server)
    return {
      server,
      startUpMs: median(own.map(({ startUpMs }) => startUpMs)),
      rssMiB: median(own.map(({ rssMiB }) => rssMiB)),
    }
  })
}

/** What single parts of our server cost: medians of the rounds. Microseconds of CPU. */
export function partFiguresOf(parts: readonly Parts[]) {
  const middle = (figure: (one: Parts) => number | undefined) => median(parts.map((one) => figure(one) ?? null))
  return {
    planUs: middle(({ access }) => access?.planUs),
    unguardedW2Us: middle(({ access }) => access?.unguardedUs),
    accessUs: middle(({ access }) => access?.addedUs),
    seenTokenUs: middle(({ tokens }) => tokens?.seenUs),
    newTokenUs: middle(({ tokens }) => tokens?.newUs),
    jsonwebtokenUs: middle(({ tokens }) => tokens?.jsonwebtokenUs),
  }
}

export type PartFigures = ReturnType<typeof partFiguresOf>
