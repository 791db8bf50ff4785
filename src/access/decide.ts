import { valueFromAST, GraphQLBoolean, type FieldNode } from 'graphql'
import type { ApiError } from '../errors.ts'
import { rawVariables, suppliedGuards, type RawVariables, type Variables } from './inputs.ts'
import type { Condition, FieldEntry, Plan, Refusal, SelectionPlan } from './plan.ts'
import { denialError, evaluate } from './rules.ts'

/** One coordinate that is refused, at one place of the response. */
export interface OperationDenial {
  readonly coordinate: string
  /** Response path, without the indexes of lists. */
  readonly path: readonly string[]
  readonly error: ApiError
  /** True when it depends on what type an object turns out to be at run time. */
  readonly viaAbstract: boolean
  readonly node: FieldNode
}

export interface Decision {
  /** In the order of the document; what is under a denied field is not named again. */
  readonly denials: readonly OperationDenial[]
  /** True when every root field is denied, so that nothing could be served. */
  readonly rootDenied: boolean
}

/** More denials than this are not told: the answer's size must not grow with a hostile document. */
export const maxDenials = 100

interface Walk {
  readonly plan: Plan
  readonly variables: Variables
  readonly denials: Map<string, OperationDenial>
  /** Plans in which nothing is denied with these variables. */
  readonly quiet: Set<SelectionPlan>
  /** Which plans were walked at which path: a fragment repeated at one place is looked at once. */
  readonly walked: Map<SelectionPlan, Set<string>>
  found: number
  /** Whether a root field is served. */
  servesRoot: boolean
}

/** Decides a planned operation with the variables of a request, as they came, before coercion. */
export function decide(plan: Plan, raw: RawVariables): Decision {
  const walk: Walk = {
    plan,
    variables: rawVariables(plan.operation, raw),
    denials: new Map(),
    quiet: new Set(),
    walked: new Map(),
    found: 0,
    servesRoot: false,
  }
  walkSelection(walk, plan.root, [], null)
  return { denials: [...walk.denials.values()], rootDenied: walk.denials.size > 0 && !walk.servesRoot }
}

function walkSelection(walk: Walk, selection: SelectionPlan, path: readonly string[], parent: FieldNode | null): void {
  if (walk.quiet.has(selection) || (path.length > 0 && walk.denials.size >= maxDenials)) return
  if (isWalked(walk, selection, path)) {
    // It is not quiet, so what holds it is not, either.
    walk.found += 1
    return
  }
  const before = walk.found
  for (const entry of selection.entries) {
    if (!isIncluded(walk, entry.when)) continue
    if (entry.kind === 'spread') walkSelection(walk, entry.child, path, parent)
    else if (entry.kind === 'field') walkField(walk, entry, path)
    else if (parent) add(walk, entry.refusals, path, parent, true)
  }
  if (walk.found === before) walk.quiet.add(selection)
}

function walkField(walk: Walk, entry: FieldEntry, path: readonly string[]): void {
  const { node, viaAbstract, isOfOneType } = entry
  const here = [...path, node.alias?.value ?? node.name.value]
  const refusals = [...entry.refusals, ...inputRefusals(walk, entry)]
  add(walk, refusals, here, node, viaAbstract)
  if (path.length === 0 && refusals.length === 0) walk.servesRoot = true
  const isDenied = refusals.length > 0 && isOfOneType
  if (entry.child && !isDenied) walkSelection(walk, entry.child, here, node)
}

function inputRefusals(walk: Walk, entry: FieldEntry): Refusal[] {
  return entry.inputs.flatMap((access) =>
    suppliedGuards(walk.plan.policy, access, entry.node, walk.variables).flatMap(({ coordinate, requirement }) => {
      const denial = evaluate(requirement, walk.plan.powers)
      return denial ? [{ coordinate, denial }] : []
    }),
  )
}

function add(walk: Walk, refusals: readonly Refusal[], path: readonly string[], node: FieldNode, viaAbstract: boolean) {
  for (const { coordinate, denial } of refusals) {
    walk.found += 1
    const key = `${path.join('.')} ${coordinate}`
    if (walk.denials.size >= maxDenials || walk.denials.has(key)) continue
    walk.denials.set(key, { coordinate, path, error: denialError(coordinate, denial), viaAbstract, node })
  }
}

function isWalked(walk: Walk, selection: SelectionPlan, path: readonly string[]): boolean {
  const paths = walk.walked.get(selection) ?? new Set<string>()
  walk.walked.set(selection, paths)
  const key = path.join('.')
  if (paths.has(key)) return true
  paths.add(key)
  return false
}

/** Only what is certainly left out is left out: a value that is no boolean fails later, and must not open anything. */
function isIncluded(walk: Walk, when: readonly Condition[]): boolean {
  return when.every(({ variable, excludedWhen }) => {
    const supplied = walk.variables.read(variable)
    if (supplied === null) return true
    const value = 'literal' in supplied ? valueFromAST(supplied.literal, GraphQLBoolean) : supplied.value
    return value !== excludedWhen
  })
}
