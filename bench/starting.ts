import type { Contestant } from './contestants.ts'
import { start, type Running } from './processes.ts'
import type { Bench } from './rounds.ts'
import type { Seed } from './seed.ts'
import { send, type CaseId } from './workloads.ts'

/** What a server is asked first: the first request of the first case that it takes part in. */
export function probeOf(contestant: Contestant, seed: Seed, cases: readonly CaseId[]) {
  return async (url: string): Promise<unknown> => {
    for (const id of cases) {
      const [call] = id === 'W5' ? [] : await contestant.calls(id, seed, url)
      if (call) return send(url, call)
    }
    return null
  }
}

/** Starts a server for a contestant. */
export function startContestant({ seed }: Bench, contestant: Contestant, cases: readonly CaseId[]): Promise<Running> {
  const probe = probeOf(contestant, seed, ['W0', 'W1', ...cases])
  return start({ program: contestant.program, settings: contestant.settings(seed), probe })
}
