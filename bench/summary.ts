import type { Sample, Visit } from './rounds.ts'
import { median } from './statistics.ts'
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
}

export interface ServerFigures {
  server: string
  startUpMs: number | null
  rssMiB: number | null
}

/** All samples of a run, to be asked in pairs. */
export class Samples {
  readonly all: readonly Sample[]

  constructor(all: readonly Sample[]) {
    this.all = all
  }

  of(server: string, id: CaseId): Sample[] {
    return this.all.filter((sample) => sample.server === server && sample.case === id)
  }

  /** The median of what one has over what the other has in the same round; null where one of them has nothing. */
  ratio(above: readonly Sample[], below: readonly Sample[], figure: (sample: Sample) => number | null): number | null {
    const ratios = above.map((sample) => {
      const other = below.find(({ round }) => round === sample.round)
      const [one, two] = [figure(sample), other ? figure(other) : null]
      return one !== null && two ? one / two : null
    })
    return median(ratios)
  }
}

/** The medians of each server and case, in the order in which they were measured. */
export function figuresOf(samples: Samples): Figures[] {
  const pairs = new Map(samples.all.map((sample) => [`${sample.server} ${sample.case}`, sample]))
  return [...pairs.values()].map((sample) => {
    const own = samples.of(sample.server, sample.case)
    const middle = (figure: (one: Sample) => number | null) => median(own.map(figure))
    return {
      server: sample.server,
      case: sample.case,
      serverCpuUs: middle(({ serverCpuUs }) => serverCpuUs),
      timesRaw: samples.ratio(own, samples.of('raw', sample.case), ({ serverCpuUs }) => serverCpuUs),
      postgresCpuUs: middle(({ postgresCpuUs }) => postgresCpuUs),
      perSecond: middle(({ perSecond }) => perSecond),
      p50Ms: middle(({ p50Ms }) => p50Ms),
      p99Ms: middle(({ p99Ms }) => p99Ms),
    }
  })
}

/** Start-up and memory after all of a round's load. */
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
