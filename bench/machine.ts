import { arch, cpus, platform, release } from 'node:os'
import type { Client } from 'pg'
import { loader } from './load.ts'
import { pinning } from './processes.ts'
import type { Sample } from './rounds.ts'
import { median } from './statistics.ts'

/** Where and when it was measured. */
export interface Machine {
  date: string
  cpu: string
  cores: number
  system: string
  node: string
  postgresql: string
  load: string
  pinned: boolean
  /** How much of the CPUs others took while something was timed, in percent: a median, and the most. */
  others: { median: number | null; most: number | null }
}

const percent = (share: number | null) => (share === null ? null : Number((100 * share).toFixed(1)))

/** The most that others may have taken, in percent, where figures are to say anything. */
export const OTHERS_MAY_TAKE = 3

export async function describeMachine(client: Client, samples: readonly Sample[]): Promise<Machine> {
  const { rows } = await client.query<{ server_version: string }>('show server_version')
  const others = samples.map(({ othersShare }) => othersShare).filter((share) => share !== null)
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    postgresql: rows[0]?.server_version.split(' ')[0] ?? '',
    load: loader.name,
    pinned: pinning !== null,
    others: { median: percent(median(others)), most: percent(others.length > 0 ? Math.max(...others) : null) },
  }
}
