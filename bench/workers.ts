import type { Contestant } from './contestants.ts'
import type { Running } from './processes.ts'
import type { Bench } from './rounds.ts'
import { ours, oursOnTwo } from './servers/ours.contestant.ts'
import { startContestant } from './starting.ts'
import { median } from './statistics.ts'
import { timed, type Asked } from './timing.ts'
import { warmUp } from './warming.ts'
import type { CaseId } from './workloads.ts'

/** What a second worker costs in a case, in one round. */
export interface WorkerCost {
  round: number
  case: CaseId
  /** CPU a request with two workers, to one: the median of the turns; null where the system does not tell. */
  toOne: number | null
}

const COMPARED = ['W1', 'W2', 'W3'] as const

/** How often each of the two is timed in a case. */
const TURNS = 8

/**
 * Starts our server with one worker and with two, both on the server's CPU, and times them in turns: within a minute the speed of
 * a machine changes by more than workers cost. The one that is not asked does nothing.
 */
export async function compareWorkers(bench: Bench, round: number): Promise<WorkerCost[]> {
  const cases = COMPARED.filter((id) => bench.options.workloads.includes(id))
  const compare = async (one: Running, two: Running) => {
    const asked: Asked[] = []
    for (const id of cases) asked.push({ id, calls: await ours.calls(id, bench.seed, one.url) })
    for (const each of asked) for (const server of [one, two]) await warmUp(bench, server, each)
    const costs: WorkerCost[] = []
    for (const each of asked) {
      const toOne = await inTurns(bench, each, one, two)
      bench.say(`  ${each.id.padEnd(9)} ${toOne?.toFixed(2) ?? '?'}×`)
      costs.push({ round, case: each.id, toOne })
    }
    return costs
  }
  return withServer(bench, ours, cases, (one) => withServer(bench, oursOnTwo, cases, (two) => compare(one, two)))
}

async function withServer<T>(
  bench: Bench,
  contestant: Contestant,
  cases: readonly CaseId[],
  work: (server: Running) => Promise<T>,
): Promise<T> {
  const server = await startContestant(bench, contestant, cases)
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

async function inTurns(bench: Bench, asked: Asked, one: Running, two: Running): Promise<number | null> {
  const ratios: (number | null)[] = []
  for (let turn = 0; turn < TURNS; turn += 1) {
    const { serverCpuUs: ofOne } = await timed(bench, one, asked)
    const { serverCpuUs: ofTwo } = await timed(bench, two, asked)
    ratios.push(ofOne === null || ofTwo === null ? null : ofTwo / ofOne)
  }
  return median(ratios)
}
