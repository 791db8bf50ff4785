import { runNode } from '../processes.ts'
import type { Bench } from '../rounds.ts'
import { ourSettings } from '../servers/ours.contestant.ts'
import type { WorkloadId } from '../workloads.ts'
import type { AccessCost } from './access.ts'
import type { HashCost } from './hashes.ts'
import type { TokenCost } from './tokens.ts'

/** Parts of our server, each measured in a process of its own. Null where the workload that it belongs to is left out. */
export interface Parts {
  round: number
  access: AccessCost | null
  tokens: TokenCost | null
}

interface Measuring {
  bench: Bench
  of: WorkloadId
  file: string
}

/** Measured once a round, as the speed of a machine changes from one round to the next. */
export async function measureParts(bench: Bench, round: number): Promise<Parts> {
  const parts: Parts = {
    round,
    access: (await measured({ bench, of: 'W2', file: 'access.ts' })) as AccessCost | null,
    tokens: (await measured({ bench, of: 'W1', file: 'tokens.ts' })) as TokenCost | null,
  }
  bench.say(`  ${brief(parts)}`)
  return parts
}

/** Runs a program that writes its figures as JSON. */
async function measured({ bench, of, file }: Measuring): Promise<unknown> {
  if (!bench.options.workloads.includes(of)) return null
  const program = new URL(file, import.meta.url)
  return JSON.parse(await runNode({ program, settings: ourSettings(bench.seed) }))
}

/** What the machine can hash at this moment, a second: all cores, and nothing beside that. */
export async function hashesPerSecond({ seed }: Pick<Bench, 'seed'>): Promise<number> {
  const program = new URL('hashes.ts', import.meta.url)
  const written = await runNode({ program, settings: ourSettings(seed), isOnEveryCpu: true })
  return (JSON.parse(written) as HashCost).perSecond
}

function brief({ access, tokens }: Parts): string {
  const told = [
    access && `access ${access.addedUs.toFixed(1)} µs of W2, its plan ${access.planUs.toFixed(2)} µs`,
    tokens && `token ${tokens.seenUs.toFixed(1)} µs seen, ${tokens.newUs.toFixed(1)} µs new`,
  ]
  return told.filter((text) => text !== null).join('; ')
}
