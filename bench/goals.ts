import type { Sample } from './rounds.ts'
import type { SqlCount } from './statements.ts'
import type { Samples } from './summary.ts'
import type { CaseId } from './workloads.ts'

/** What we set out to reach, and what this run says of it. */
export interface Goal {
  goal: string
  target: string
  measured: string
  verdict: 'met' | 'not met' | 'not measured'
}

interface Limit {
  goal: string
  most: number
  /** True where reaching the limit is not enough. */
  isOpen?: boolean
  value: number | null
  unit?: string
}

function judged({ goal, most, isOpen = false, value, unit = '×' }: Limit): Goal {
  const target = `${isOpen ? '<' : '≤'} ${most}${unit}`
  if (value === null) return { goal, target, measured: '', verdict: 'not measured' }
  const isMet = isOpen ? value < most : value <= most
  return { goal, target, measured: `${value.toFixed(2)}${unit}`, verdict: isMet ? 'met' : 'not met' }
}

const serverCpu = ({ serverCpuUs }: Sample) => serverCpuUs
const allCpu = ({ serverCpuUs, postgresCpuUs }: Sample) =>
  serverCpuUs === null || postgresCpuUs === null ? null : serverCpuUs + postgresCpuUs

function judgedSql(count: SqlCount | undefined): Goal {
  const goal = 'W2: transactions, statements for rows'
  const target = '1, at most 2'
  if (!count) return { goal, target, measured: '', verdict: 'not measured' }
  const isMet = count.transactions <= 1 && count.forRows <= 2
  return { goal, target, measured: `${count.transactions}, ${count.forRows}`, verdict: isMet ? 'met' : 'not met' }
}

/** The goals beside what was measured. Ratios are medians of each round's own. */
export function goalsOf(samples: Samples, sql: Record<string, SqlCount>): Goal[] {
  const ours = (id: CaseId) => samples.of('ours', id)
  const toRaw = (id: CaseId) => samples.ratio(ours(id), samples.of('raw', id), serverCpu)
  const twoToOne = (id: CaseId) => samples.ratio(samples.of('ours-two-workers', id), ours(id), serverCpu)
  const pages = samples.ratio(ours('W6 deep'), ours('W6 first'), allCpu)
  const logins = samples.ratio(ours('W7 logins'), ours('W7 quiet'), ({ p99Ms }) => p99Ms)
  return [
    judged({ goal: 'W1: CPU a request, to raw', most: 1.4, value: toRaw('W1') }),
    judged({ goal: 'W2: CPU a request, to raw', most: 1.5, value: toRaw('W2') }),
    judged({ goal: 'W3: CPU a request, to raw, which looks each key up', most: 1, isOpen: true, value: toRaw('W3') }),
    judgedSql(sql.ours),
    judged({ goal: 'W6: CPU of server and PostgreSQL, deep page to first', most: 1.2, value: pages }),
    ...(['W1', 'W2', 'W3'] as const).map((id) =>
      judged({ goal: `${id}: CPU a request with two workers, to one`, most: 1.1, value: twoToOne(id) }),
    ),
    judged({ goal: 'W7: p99 of W2 while 20 logins run, to quiet', most: 3, value: logins }),
  ]
}
