import type { Client } from 'pg'
import type { Contestant } from './contestants.ts'
import { rssOf } from './measure.ts'
import type { Options } from './options.ts'
import { measureParts, type Parts } from './parts/parts.ts'
import type { Running } from './processes.ts'
import type { Seed } from './seed.ts'
import { ours, oursOnTwo } from './servers/ours.contestant.ts'
import { readingCases } from './servers/raw.contestant.ts'
import { startContestant } from './starting.ts'
import { timed, type Asked } from './timing.ts'
import { warmUp } from './warming.ts'
import { compareWorkers, type WorkerCost } from './workers.ts'
import { casesOf, type CaseId } from './workloads.ts'

/** One timed run. */
export interface Sample {
  server: string
  case: CaseId
  round: number
  requests: number
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** CPU time a request, in microseconds; null where the system does not tell. */
  serverCpuUs: number | null
  postgresCpuUs: number | null
  /** Of the event loop, p99; null where it was not watched. */
  delayP99Ms: number | null
  /** What all cores can hash in a second, just before and after; null where nobody logs in. */
  hashesPerSecond: number | null
  /** How much of the machine was somebody else's meanwhile. */
  othersShare: number | null
}

/** One start of a server. */
export interface Visit {
  server: string
  round: number
  startUpMs: number
  /** After the workloads that only read. */
  rssMiB: number | null
}

export interface Bench {
  seed: Seed
  client: Client
  options: Options
  contestants: readonly Contestant[]
  say: (line: string) => void
  /** When the run began, as `performance.now`. */
  since: number
}

/** What a run has measured. */
export interface Measured {
  samples: Sample[]
  visits: Visit[]
  parts: Parts[]
  workers: WorkerCost[]
}

/** Starts each server alone, once a round, and times what it does. */
export async function runRounds(bench: Bench): Promise<Measured> {
  const measured: Measured = { samples: [], visits: [], parts: [], workers: [] }
  const { rounds } = bench.options
  const takesPart = (one: Contestant) => bench.contestants.includes(one)
  for (let round = 1; round <= rounds; round += 1) {
    if (takesPart(ours)) {
      bench.say(`round ${round} of ${rounds}: parts of ours`)
      measured.parts.push(await measureParts(bench, round))
    }
    for (const contestant of bench.contestants) {
      bench.say(`round ${round} of ${rounds}: ${contestant.title}`)
      const { samples, ...visited } = await visit(bench, contestant, round)
      measured.samples.push(...samples)
      measured.visits.push(visited)
    }
    if (takesPart(ours) && takesPart(oursOnTwo)) {
      bench.say(`round ${round} of ${rounds}: one worker and two, in turns`)
      measured.workers.push(...(await compareWorkers(bench, round)))
    }
  }
  return measured
}

/** What a server does of the cases: all that read first, which every server has in common, so that memory can be compared. */
async function askedOf({ seed }: Bench, contestant: Contestant, { cases, url }: { cases: CaseId[]; url: string }) {
  const asked: Asked[] = []
  for (const id of cases) asked.push({ id, calls: await contestant.calls(id, seed, url) })
  const taken = asked.filter(({ calls }) => calls.length > 0)
  const reads = ({ id }: Asked) => readingCases.includes(id)
  return { reading: taken.filter(reads), others: taken.filter((each) => !reads(each)) }
}

async function visit(bench: Bench, contestant: Contestant, round: number): Promise<Visit & { samples: Sample[] }> {
  const cases = casesOf(bench.options.workloads, round)
  const server = await startContestant(bench, contestant, cases)
  const place = { server: contestant.name, round }
  try {
    const { reading, others } = await askedOf(bench, contestant, { cases, url: server.url })
    const read = await timedAll(bench, server, reading)
    const rssMiB = rssOf(server.pid)
    const samples = [...read, ...(await timedAll(bench, server, others))].map((sample) => ({ ...place, ...sample }))
    return { ...place, samples, startUpMs: server.startUpMs, rssMiB }
  } finally {
    await server.stop()
  }
}

type Timed = Omit<Sample, 'server' | 'round'>

async function timedAll(bench: Bench, server: Running, asked: readonly Asked[]): Promise<Timed[]> {
  // Before the first one's time is taken: what comes first would be the coldest. W7 asks what W2 and W4 have asked.
  const cold = asked.filter(({ id }) => !id.startsWith('W7'))
  for (const each of cold) await named(server, each.id, () => warmUp(bench, server, each))
  const samples: Timed[] = []
  for (const each of asked) {
    const sample = await named(server, each.id, () => timed(bench, server, each))
    samples.push({ case: each.id, ...sample })
    bench.say(`  ${each.id.padEnd(9)} ${brief(sample)}`)
  }
  return samples
}

/** Says where something has failed, and what the server has written. */
async function named<T>(server: Running, id: CaseId, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${id}: ${why}\n${server.tail()}`, { cause: error })
  }
}

function brief(taken: Omit<Timed, 'case'>): string {
  const { serverCpuUs, postgresCpuUs, perSecond, p50Ms, p99Ms, delayP99Ms, hashesPerSecond } = taken
  const cpu = `${serverCpuUs?.toFixed(0) ?? '?'} + ${postgresCpuUs?.toFixed(0) ?? '?'} µs`
  const delay = delayP99Ms === null ? '' : `  event loop p99 ${delayP99Ms.toFixed(1)} ms`
  const hashes = hashesPerSecond === null ? '' : `  of ${hashesPerSecond.toFixed(1)}/s hashes`
  const latency = `p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`
  return `${cpu.padStart(18)} ${perSecond.toFixed(perSecond < 10 ? 1 : 0).padStart(7)}/s  ${latency}${delay}${hashes}`
}
