import type { Contestant } from './contestants.ts'
import { start } from './processes.ts'
import type { Bench } from './rounds.ts'
import type { Seed } from './seed.ts'
import { probeOf } from './starting.ts'
import { countSql, tap, type SqlCount, type Tap } from './statements.ts'
import { median } from './statistics.ts'
import { send, type Call } from './workloads.ts'

/** How often each of the people asks, before it counts and then. */
const TURNS = 3

/** What W2 costs each server in SQL, by its name. */
export async function sqlOfProjects({ seed, contestants, say }: Bench): Promise<Record<string, SqlCount>> {
  const counts: Record<string, SqlCount> = {}
  for (const contestant of contestants) {
    say(`SQL of W2: ${contestant.title}`)
    const count = await sqlOf(contestant, seed)
    if (count) counts[contestant.name] = count
  }
  return counts
}

/** Starts a server with a tap between it and PostgreSQL. */
async function sqlOf(contestant: Contestant, seed: Seed): Promise<SqlCount | null> {
  const taps = [await tap(seed.servingUrl), await tap(seed.ownerUrl)] as const
  try {
    const tapped = { ...seed, servingUrl: taps[0].url, ownerUrl: taps[1].url }
    const probe = probeOf(contestant, seed, ['W0', 'W1'])
    const server = await start({ program: contestant.program, settings: contestant.settings(tapped), probe })
    try {
      return await counted(taps, server.url, await contestant.calls('W2', seed, server.url))
    } finally {
      await server.stop()
    }
  } finally {
    for (const each of taps) each.close()
  }
}

async function counted(taps: readonly Tap[], url: string, calls: readonly Call[]): Promise<SqlCount | null> {
  const counts: SqlCount[] = []
  for (let turn = 1; turn <= 2 * TURNS; turn += 1) {
    for (const call of calls) {
      for (const each of taps) each.take()
      await send(url, call)
      if (turn > TURNS) counts.push(countSql(together(taps)))
    }
  }
  return calls.length > 0 ? middle(counts) : null
}

/** The median of each count: a background job may have had its turn meanwhile. */
function middle(counts: readonly SqlCount[]): SqlCount {
  const of = (count: (one: SqlCount) => number) => median(counts.map(count)) ?? 0
  return {
    transactions: of(({ transactions }) => transactions),
    forRows: of(({ forRows }) => forRows),
    settings: of(({ settings }) => settings),
    roundTrips: of(({ roundTrips }) => roundTrips),
  }
}

function together(taps: readonly Tap[]) {
  const sent = taps.map((each) => each.take())
  const roundTrips = sent.reduce((sum, one) => sum + one.roundTrips, 0)
  return { statements: sent.flatMap(({ statements }) => statements), roundTrips }
}
