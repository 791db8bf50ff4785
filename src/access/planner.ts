import type { DocumentNode } from 'graphql'
import { decide, type Decision } from './decide.ts'
import type { RawVariables } from './inputs.ts'
import { makePlan, type Plan } from './plan.ts'
import type { Policy } from './policy.ts'
import type { Powers } from './powers.ts'

export interface Operation {
  readonly document: DocumentNode
  readonly operationName?: string | null | undefined
  readonly variables?: RawVariables
}

/** Plans operations and keeps the plans: per document, operation name and powers. */
export interface Planner {
  /** @throws Error when the document has no such operation. */
  decide(operation: Operation, powers: Powers | null): Decision
  /** How many plans of a document are kept. */
  kept(document: DocumentNode): number
}

/**
 * Makes a planner. Plans live as long as their document does, and the least recently used of a document go first,
 * so that neither many documents nor many principals fill the memory.
 */
export function createPlanner(policy: Policy, plansPerDocument = 32): Planner {
  const documents = new WeakMap<DocumentNode, Map<string, Plan>>()
  const planFor = ({ document, operationName }: Operation, powers: Powers | null): Plan => {
    const plans = documents.get(document) ?? new Map<string, Plan>()
    documents.set(document, plans)
    // Neither a name nor the key of powers has a line break in it.
    const key = `${operationName ?? ''}\n${powers === null ? 'anonymous' : `as ${powers.key}`}`
    const plan = plans.get(key) ?? makePlan(policy, document, operationName, powers)
    plans.delete(key)
    plans.set(key, plan)
    for (const oldest of plans.keys()) if (plans.size > plansPerDocument) plans.delete(oldest)
    return plan
  }
  return {
    decide: (operation, powers) => decide(planFor(operation, powers), operation.variables),
    kept: (document) => documents.get(document)?.size ?? 0,
  }
}
