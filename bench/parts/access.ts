import { equal, match, notEqual } from 'node:assert/strict'
import { parse } from 'graphql'
import { createPlanner } from '../../src/access/planner.ts'
import { makePowers } from '../../src/access/powers.ts'
import { documents } from '../graphql-calls.ts'
import { median } from '../statistics.ts'
import { cpuEach, cpuInTurn } from './cpu.ts'
import { startExecutor } from './executor.ts'
import { bothSchemas } from './guards.ts'

/** What access costs, in microseconds of CPU an operation. */
export interface AccessCost {
  /** The verdict on an operation that has been planned before. */
  planUs: number
  /** W2 without HTTP, without a database, and without guards. */
  unguardedUs: number
  /** What the plan and the guards add to that. */
  addedUs: number
}

const WARM_UP = 3_000
const BATCHES = { batches: 75, times: 100 }
const PLANS = { batches: 15, times: 20_000 }

const { guarded, unguarded, policy, registry } = await bothSchemas()
const powers = makePowers('USER', 'ADMIN', registry.grantsOf('ADMIN'), registry)
const withGuards = await startExecutor(guarded, policy)
const without = await startExecutor(unguarded, null)
const W2 = documents.projects

/** Both must do the same work, and one of them must have no guard left. */
const answer = await without(W2, null)
match(answer, /"Gateway 2"/)
equal(await withGuards(W2, powers), answer)
notEqual(await withGuards(W2, null), answer)

const works = { guarded: () => withGuards(W2, powers), unguarded: () => without(W2, powers) }
for (const work of Object.values(works)) await cpuEach(WARM_UP, work)
const { guarded: withThem, unguarded: withoutThem } = await cpuInTurn(BATCHES, works)
const added = withThem.map((us, at) => us - (withoutThem[at] ?? 0))

const planner = createPlanner(policy)
const document = parse(W2)
const plan = () => planner.decide({ document, operationName: null }, powers)
await cpuEach(PLANS.times, plan)
const plans = await cpuInTurn(PLANS, { plan })

const middle = (values: readonly number[]) => median(values) ?? 0
const cost: AccessCost = { planUs: middle(plans.plan), unguardedUs: middle(withoutThem), addedUs: middle(added) }
console.log(JSON.stringify(cost))
