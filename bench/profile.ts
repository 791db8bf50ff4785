import { ours } from './servers/ours.contestant.ts'
import { describeMachine } from './machine.ts'
import type { Running } from './processes.ts'
import { sharesOf, type Share } from './profile-shares.ts'
import { writeResult } from './report.ts'
import type { Bench } from './rounds.ts'
import { startContestant } from './starting.ts'
import { figure, table } from './table.ts'
import { loading, loadOf, type Asked } from './timing.ts'
import { warmUp } from './warming.ts'
import { casesOf, workloads, type WorkloadId } from './workloads.ts'

const LARGEST = 10

/** Prints what our server spends its time with in a workload, and writes it to results/. */
export async function reportProfile(bench: Bench, workload: WorkloadId): Promise<void> {
  const [id = 'W2'] = casesOf([workload])
  const server = await startContestant(bench, ours, [id])
  try {
    const asked = { id, calls: await ours.calls(id, bench.seed, server.url) }
    await warmUp(bench, server, asked)
    const { requests, functions, places } = await profiled(bench, server, asked)
    const each = (shares: readonly Share[]) =>
      shares.slice(0, LARGEST).map((share) => ({ ...share, us: share.us / requests }))
    const result = { functions: each(functions), places: each(places) }
    bench.say(`\n${id}  ${workloads[workload]}: self time of the main thread, µs a request with the profiler running`)
    bench.say(`\n${shareTable('function', result.functions)}\n\n${shareTable('where', result.places)}`)
    const machine = await describeMachine(bench.client, [])
    await writeResult(`profile-${workload}.json`, { machine, case: id, requests, ...result })
  } finally {
    await server.stop()
  }
}

async function profiled(bench: Bench, server: Running, asked: Asked) {
  await server.ask('start the profile')
  const { requests } = await loading(asked.id, loadOf(bench, server, asked), bench.seed)
  const { profile } = await server.ask('tell the profile')
  if (!profile || requests === 0) throw new Error('There is no profile')
  return { requests, ...sharesOf(profile) }
}

function shareTable(heading: string, shares: readonly Share[]): string {
  const rows = shares.map(({ name, percent, us }) => [name, figure(us, 1), `${figure(percent, 1)} %`])
  return table([heading, 'µs', 'share'], rows)
}
