import type { Parts } from './parts/parts.ts'
import { cpus } from './processes.ts'
import type { Measured, Sample } from './rounds.ts'
import { median, ratioByRound } from './statistics.ts'
import type { SqlCount } from './statements.ts'
import type { CaseId } from './workloads.ts'

/** What we set out to reach, and what this run says of it. */
export interface Goal {
  goal: string
  target: string
  measured: string
  verdict: 'met' | 'not met' | 'not measured'
}

/** All that a run knows. */
export interface Evidence extends Measured {
  /** What W2 costs in SQL, by the server's name. */
  sql: Record<string, SqlCount>
}

/** CPU a request, as so many times what `raw` needs. */
export const timesRawAtMost: Partial<Record<CaseId, number>> = { W1: 1.4, W2: 1.5, W3: 1 }

interface Limit {
  goal: string
  bound: '≤' | '<' | '≥'
  limit: number
  value: number | null
  unit?: string
}

const holds: Record<Limit['bound'], (value: number, limit: number) => boolean> = {
  '≤': (value, limit) => value <= limit,
  '<': (value, limit) => value < limit,
  '≥': (value, limit) => value >= limit,
}

function judged({ goal, bound, limit, value, unit = '×' }: Limit): Goal {
  const target = `${bound} ${limit}${unit}`
  if (value === null) return { goal, target, measured: '', verdict: 'not measured' }
  return {
    goal,
    target,
    measured: `${value.toFixed(2)}${unit}`,
    verdict: holds[bound](value, limit) ? 'met' : 'not met',
  }
}

function judgedSql(count: SqlCount | undefined): Goal {
  const goal = 'W2: transactions, statements for rows'
  const target = '1, at most 2'
  if (!count) return { goal, target, measured: '', verdict: 'not measured' }
  const isMet = count.transactions <= 1 && count.forRows <= 2
  return { goal, target, measured: `${count.transactions}, ${count.forRows}`, verdict: isMet ? 'met' : 'not met' }
}

/** The goals beside what was measured. Ratios are medians of each round's own. */
export function goalsOf(evidence: Evidence): Goal[] {
  return [
    ...requestGoals(evidence.samples),
    ...workerGoals(evidence),
    judgedSql(evidence.sql.ours),
    ...accessGoals(evidence),
    ...tokenGoals(evidence.parts),
    ...signInGoals(evidence),
    judged({
      goal: 'RSS after W0-W3 and W6, to the obvious',
      bound: '≤',
      limit: 1.5,
      value: memoryToObvious(evidence),
    }),
  ]
}

const serverCpu = ({ serverCpuUs }: Sample) => serverCpuUs
const allCpu = ({ serverCpuUs, postgresCpuUs }: Sample) =>
  serverCpuUs === null || postgresCpuUs === null ? null : serverCpuUs + postgresCpuUs

function of(samples: readonly Sample[], server: string, id: CaseId): Sample[] {
  return samples.filter((sample) => sample.server === server && sample.case === id)
}

function requestGoals(samples: readonly Sample[]): Goal[] {
  const ours = (id: CaseId) => of(samples, 'ours', id)
  const toRaw = (id: CaseId) => ({
    limit: timesRawAtMost[id] ?? 1,
    value: ratioByRound(ours(id), of(samples, 'raw', id), serverCpu),
  })
  const pages = ratioByRound(ours('W6 deep'), ours('W6 first'), allCpu)
  const logins = ratioByRound(ours('W7 logins'), ours('W7 quiet'), ({ p99Ms }) => p99Ms)
  return [
    judged({ goal: 'W1: CPU a request, to raw', bound: '≤', ...toRaw('W1') }),
    judged({ goal: 'W2: CPU a request, to raw', bound: '≤', ...toRaw('W2') }),
    judged({ goal: 'W3: CPU a request, to raw, which looks each key up', bound: '<', ...toRaw('W3') }),
    judged({ goal: 'W6: CPU of server and PostgreSQL, deep page to first', bound: '≤', limit: 1.2, value: pages }),
    judged({ goal: 'W7: p99 of W2 while 20 logins run, to quiet', bound: '≤', limit: 3, value: logins }),
  ]
}

/** What the workers themselves cost, on one CPU. */
function workerGoals({ workers }: Pick<Evidence, 'workers'>): Goal[] {
  return (['W1', 'W2', 'W3'] as const).map((id) => {
    const value = median(workers.filter((cost) => cost.case === id).map(({ toOne }) => toOne))
    return judged({ goal: `${id}: CPU a request with two workers, to one`, bound: '≤', limit: 1.1, value })
  })
}

function accessGoals({ samples, parts }: Evidence): Goal[] {
  const share = ratioByRound(parts, of(samples, 'ours', 'W2'), accessCpu, serverCpu)
  const percent = share === null ? null : 100 * share
  const planUs = median(parts.map(({ access }) => access?.planUs ?? null))
  return [
    judged({ goal: 'Access: the plan and the guards, of W2', bound: '≤', limit: 3, unit: ' %', value: percent }),
    judged({ goal: 'Access: the plan of a cached operation', bound: '≤', limit: 2, unit: ' µs', value: planUs }),
  ]
}

/** Less than nothing is noise. */
const accessCpu = ({ access }: Parts) => (access ? Math.max(0, access.addedUs) : null)

function tokenGoals(parts: readonly Parts[]): Goal[] {
  const seenUs = median(parts.map(({ tokens }) => tokens?.seenUs ?? null))
  return [judged({ goal: 'A token seen before: CPU to verify it', bound: '≤', limit: 15, unit: ' µs', value: seenUs })]
}

/** What cores do that do nothing but hash, and what is lost to all that a login needs beside that. */
const SHARE_OF_CORES = 90

function signInGoals({ samples }: Pick<Evidence, 'samples'>): Goal[] {
  const percent = median(
    of(samples, 'ours', 'W4').map(({ perSecond, hashesPerSecond }) =>
      hashesPerSecond === null ? null : (100 * perSecond) / hashesPerSecond,
    ),
  )
  const delay = (id: CaseId) => median(of(samples, 'ours', id).map(({ delayP99Ms }) => delayP99Ms))
  const late = { bound: '<', limit: 20, unit: ' ms' } as const
  return [
    judged({
      ...{ goal: `W4: logins, of what ${cpus} cores can hash`, bound: '≥' },
      ...{ limit: SHARE_OF_CORES, unit: ' %', value: percent },
    }),
    judged({ goal: 'W4: p99 of the event loop’s delay', ...late, value: delay('W4') }),
    judged({ goal: 'W7: p99 of the event loop’s delay, with logins', ...late, value: delay('W7 logins') }),
  ]
}

function memoryToObvious({ visits }: Evidence): number | null {
  const by = (name: string) => visits.filter(({ server }) => server === name)
  return ratioByRound(by('ours'), by('obvious'), ({ rssMiB }) => rssMiB)
}
