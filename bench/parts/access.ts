import { equal, match, notEqual } from 'node:assert/strict'
import { parse } from 'graphql'
import { createPlanner } from '../../src/access/planner.ts'
import { makePowers } from '../../src/access/powers.ts'
import { documents } from '../graphql-calls.ts'
import { cpuEach, cpuInTurn } from './cpu.ts'
import { startExecutor } from './executor.ts'
import { bothSchemas } from './guards.ts'

/** What access costs, in microseconds of CPU an operation. */
export interface AccessCost {
  /** The verdict on an operation that has been planned before. */
  planUs: number
  /** W2 without HTTP and without a database: with the plan and the guards, and without. */
  guardedUs: number
  unguardedUs: number
}

const WARM_UP = 3_000
const BATCHES = { batches: 25, times: 300 }
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

const works = { guardedUs: () => withGuards(W2, powers), unguardedUs: () => without(W2, powers) }
for (const work of Object.values(works)) await cpuEach(WARM_UP, work)
const executions = await cpuInTurn(BATCHES, works)

const planner = createPlanner(policy)
const document = parse(W2)
const plan = () => planner.decide({ document, operationName: null }, powers)
await cpuEach(PLANS.times, plan)
const plans = await cpuInTurn(PLANS, { planUs: plan })

console.log(JSON.stringify({ ...executions, ...plans } satisfies AccessCost))
