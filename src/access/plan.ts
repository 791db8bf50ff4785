import {
  getNamedType,
  getOperationAST,
  isAbstractType,
  isObjectType,
  Kind,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import type { FieldAccess, Policy } from './policy.ts'
import type { Powers } from './powers.ts'
import { evaluate, nothing, type Denial } from './rules.ts'

/** `@skip` or `@include` with a variable: what it holds decides, per request. */
export interface Condition {
  readonly variable: string
  readonly excludedWhen: boolean
}

export interface Refusal {
  readonly coordinate: string
  readonly denial: Denial
}

export interface FieldEntry {
  readonly kind: 'field'
  readonly when: readonly Condition[]
  readonly node: FieldNode
  /** Denied whatever is supplied. */
  readonly refusals: readonly Refusal[]
  /** To be asked, per request, what guarded inputs the field supplies. */
  readonly inputs: readonly FieldAccess[]
  /** True when the object's type, or that of an object above it, is known at run time alone. */
  readonly viaAbstract: boolean
  /** True when the entry is for objects of one type, so that nothing is under the field where it is denied. */
  readonly isOfOneType: boolean
  readonly child: SelectionPlan | null
}

/** The object that holds this selection is refused because of its own type. */
export interface ItemEntry {
  readonly kind: 'item'
  readonly when: readonly Condition[]
  readonly refusals: readonly Refusal[]
}

/** The selection of a fragment, under the conditions of its spread. */
export interface SpreadEntry {
  readonly kind: 'spread'
  readonly when: readonly Condition[]
  readonly child: SelectionPlan
}

export type Entry = FieldEntry | ItemEntry | SpreadEntry

/** What may be denied in a selection set. Shared between the places where a fragment is used, so it is a graph. */
export interface SelectionPlan {
  readonly entries: readonly Entry[]
}

/** What an operation's principal may be denied in it: made once, decided per request. */
export interface Plan {
  readonly policy: Policy
  readonly powers: Powers | null
  readonly operation: OperationDefinitionNode
  /** Holds every root field, the ones that are granted too. */
  readonly root: SelectionPlan
}

/** Which runtime types a selection can be applied to. */
interface Scope {
  readonly types: readonly GraphQLObjectType[]
  readonly viaAbstract: boolean
  readonly isRoot: boolean
}

interface Build {
  readonly policy: Policy
  readonly powers: Powers | null
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly made: Map<SelectionSetNode, Map<string, SelectionPlan>>
}

/**
 * Plans an operation of a validated document for given powers.
 * @throws Error when the document has no such operation, or names what the schema does not have.
 */
export function makePlan(
  policy: Policy,
  document: DocumentNode,
  operationName: string | null | undefined,
  powers: Powers | null,
): Plan {
  const operation = getOperationAST(document, operationName)
  const rootType = operation && policy.schema.getRootType(operation.operation)
  if (!rootType) throw new Error('There is no such operation to plan')
  const fragments = document.definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION)
  const build: Build = {
    policy,
    powers,
    fragments: new Map(fragments.map((fragment) => [fragment.name.value, fragment])),
    made: new Map(),
  }
  const root = planSelection(build, operation.selectionSet, { types: [rootType], viaAbstract: false, isRoot: true })
  return { policy, powers, operation, root }
}

/** One plan per selection set and scope, so that fragments used in many places cost no more than one. */
function planSelection(build: Build, set: SelectionSetNode, scope: Scope): SelectionPlan {
  const plans = build.made.get(set) ?? new Map<string, SelectionPlan>()
  build.made.set(set, plans)
  const key = `${scope.isRoot}|${scope.viaAbstract}|${scope.types.map((type) => type.name).join('|')}`
  const known = plans.get(key)
  if (known) return known
  const plan = { entries: set.selections.flatMap((selection) => planOne(build, selection, scope)) }
  plans.set(key, plan)
  return plan
}

function planOne(build: Build, selection: SelectionNode, scope: Scope): Entry[] {
  const when = conditionsOf(selection.directives ?? [])
  if (when === null) return []
  if (selection.kind === Kind.FIELD) return planField(build, selection, when, scope)
  const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : build.fragments.get(selection.name.value)
  if (!fragment) throw new Error('A fragment is spread that is not defined: the document was not validated')
  const types = narrow(build.policy, scope.types, fragment.typeCondition?.name.value)
  if (types.length === 0) return []
  const child = planSelection(build, fragment.selectionSet, { ...scope, types })
  return child.entries.length > 0 ? [{ kind: 'spread', when, child }] : []
}

function planField(
  build: Build,
  node: FieldNode,
  when: readonly Condition[],
  scope: Scope,
): (FieldEntry | ItemEntry)[] {
  if (scope.types.length > 1 && takesGuardedInputs(build, node, scope)) {
    // Which types deny it is known per request: what is under the field must then be named for the others alone.
    return scope.types.flatMap((type) => planField(build, node, when, { ...scope, types: [type] }))
  }
  const denied = scope.isRoot ? [] : deniedTypes(build, scope.types)
  const item = denied.length > 0 ? [{ kind: 'item' as const, when, refusals: denied }] : []
  const name = node.name.value
  const types = scope.types.filter((type) => !denied.some((one) => one.coordinate === type.name))
  // `__typename` tells of the object, and is refused with it; `__schema` and `__type` tell of the schema, to anyone.
  const accesses = name.startsWith('__') ? [] : types.map((type) => fieldAccess(build.policy, type.name, name))
  const refusals = accesses.flatMap((access) => {
    const denial = evaluate(access.requirement, build.powers)
    return denial ? [{ coordinate: access.coordinate, denial }] : []
  })
  const granted = accesses.filter((access) => !refusals.some((one) => one.coordinate === access.coordinate))
  const inputs = (node.arguments ?? []).length > 0 ? granted.filter((access) => access.checksInputs) : []
  const child = planChild(build, node, granted, scope)
  const isClean = refusals.length === 0 && inputs.length === 0 && child === null
  if (isClean && !scope.isRoot) return item
  const { viaAbstract, types: of } = scope
  return [...item, { kind: 'field', when, node, refusals, inputs, viaAbstract, isOfOneType: of.length === 1, child }]
}

function takesGuardedInputs(build: Build, node: FieldNode, { types }: Scope): boolean {
  const isGiven = (node.arguments ?? []).length > 0
  return isGiven && types.some((type) => fieldAccess(build.policy, type.name, node.name.value).checksInputs)
}

function planChild(build: Build, node: FieldNode, granted: readonly FieldAccess[], scope: Scope): SelectionPlan | null {
  if (!node.selectionSet) return null
  const named = [...new Set(granted.map((access) => getNamedType(access.field.type)))]
  // What is under a sign-in belongs to whoever has just signed in: the guards decide it, at run time. Only fields of the
  // mutation root return one, or the schema is not served.
  if (named.some((type) => build.policy.signInTypes.has(type.name))) return null
  const types = named.flatMap((type) =>
    isAbstractType(type) ? build.policy.schema.getPossibleTypes(type) : isObjectType(type) ? [type] : [],
  )
  const viaAbstract = scope.viaAbstract || named.some(isAbstractType)
  if (types.length === 0) return null
  const child = planSelection(build, node.selectionSet, { types: [...new Set(types)], viaAbstract, isRoot: false })
  return child.entries.length > 0 ? child : null
}

function deniedTypes(build: Build, types: readonly GraphQLObjectType[]): Refusal[] {
  return types.flatMap(({ name }) => {
    const denial = evaluate(build.policy.types.get(name) ?? nothing, build.powers)
    return denial ? [{ coordinate: name, denial }] : []
  })
}

function fieldAccess(policy: Policy, type: string, name: string): FieldAccess {
  const access = policy.fields.get(`${type}.${name}`)
  if (!access) throw new Error(`${type}.${name} is not in the schema: the document was not validated`)
  return access
}

function narrow(
  policy: Policy,
  types: readonly GraphQLObjectType[],
  condition: string | undefined,
): GraphQLObjectType[] {
  if (condition === undefined) return [...types]
  const wanted = policy.schema.getType(condition)
  return types.filter((type) => type === wanted || (isAbstractType(wanted) && policy.schema.isSubType(wanted, type)))
}

/** The conditions that depend on variables; null when a literal already leaves the selection out. */
function conditionsOf(directives: readonly DirectiveNode[]): readonly Condition[] | null {
  const conditions: Condition[] = []
  for (const directive of directives) {
    const excludedWhen = directive.name.value === 'skip'
    if (!excludedWhen && directive.name.value !== 'include') continue
    const value = directive.arguments?.find((argument) => argument.name.value === 'if')?.value
    if (value?.kind === Kind.BOOLEAN && value.value === excludedWhen) return null
    if (value?.kind === Kind.VARIABLE) conditions.push({ variable: value.name.value, excludedWhen })
  }
  return conditions
}
