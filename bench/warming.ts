import { look, spentBetween } from './measure.ts'
import type { Running } from './processes.ts'
import type { Bench } from './rounds.ts'
import { checkedOf, loading, loadOf, type Asked } from './timing.ts'
import { send } from './workloads.ts'

/** Of a part of the warming up. */
const SECONDS = 1

/** For how many parts in a row nothing is gained, until a server may be taken for compiled; and when it is given up. */
const STEADY_PARTS = 3
const MOST_PARTS = 15

/** A part that costs more than this share of the cheapest one before it has gained nothing. */
const GAIN = 0.95

/**
 * Asks what a case asks until a request costs no less than it did: V8 compiles what has run often, and in the background, so that
 * a server with much code, or two of them on one CPU, would have its compiling measured.
 */
export async function warmUp(bench: Bench, server: Running, asked: Asked): Promise<void> {
  for (const call of checkedOf(asked)) await send(server.url, call)
  let cheapest = Infinity
  let steady = 0
  for (let part = 0; part < MOST_PARTS && steady < STEADY_PARTS; part += 1) {
    const cost = await costOf(bench, server, asked)
    steady = cost > cheapest * GAIN ? steady + 1 : 0
    cheapest = Math.min(cheapest, cost)
  }
}

/** CPU time of the server a request, or time, where the system does not tell; in microseconds. */
async function costOf(bench: Bench, server: Running, asked: Asked): Promise<number> {
  const load = { ...loadOf(bench, server, asked), seconds: SECONDS }
  const before = await look(server.pid, bench.client)
  const { requests } = await loading(asked.id, load, bench.seed)
  const { serverUs } = spentBetween(before, await look(server.pid, bench.client))
  return (serverUs ?? SECONDS * 1e6) / requests
}
