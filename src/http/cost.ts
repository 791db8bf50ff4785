import type {
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLField,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  ValueNode,
} from 'graphql'
import {
  Kind,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql'
import type { OperationLimits } from './config.ts'
import { fragmentsOf } from './limits.ts'

type Variables = Readonly<Record<string, unknown>>

interface Walk {
  schema: GraphQLSchema
  fragments: ReturnType<typeof fragmentsOf>
  operation: OperationDefinitionNode
  variables: Variables
  pageSizeDefault: number
  /** Costs of fragments, by name and the page size that they stand under. */
  costs: Map<string, number>
  /** Names of the variables that a size was read from. */
  sizeVariables: Set<string>
}

// Products are held below this, so that sums of them stay exact enough and no NaN comes of Infinity times 0.
const ceiling = 1e15
const times = (count: number, cost: number): number => Math.min(count * cost, ceiling)

interface KnownCost {
  sizeVariables: readonly string[]
  costs: Map<string, number>
}
const knownCosts = new WeakMap<OperationDefinitionNode, KnownCost>()
const knownCostsPerOperation = 32

/**
 * How many objects the answer to an operation could hold. A field of an object type costs 1, plus what is below
 * it; a list multiplies that by its size, which `first` or `last` say, as literals or variables, else the
 * default page size. A connection hands its page size to its `edges` and `nodes`; an edge itself is free, so
 * that both ways of reading a page cost the same. Scalars are free: tokens and aliases bound them. Introspection
 * is free: it has a bound of its own. The variables need not be of their types: what is no size counts as none.
 */
export function operationCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  limits: OperationLimits,
): number {
  // Documents are parsed once and kept, so most requests find their cost by the sizes they ask for.
  const known = knownCosts.get(operation)
  const found = known?.costs.get(sizesKey(known.sizeVariables, variables))
  if (found !== undefined) return found
  const walk: Walk = {
    schema,
    fragments: fragmentsOf(document),
    operation,
    variables,
    pageSizeDefault: limits.pageSizeDefault,
    costs: new Map(),
    sizeVariables: new Set(),
  }
  const root = schema.getRootType(operation.operation)
  const cost = !root ? 0 : costOfSet(walk, operation.selectionSet, root, undefined)
  remember(walk, cost)
  return cost
}

function remember(walk: Walk, cost: number): void {
  const sizeVariables = [...walk.sizeVariables]
  const known = knownCosts.get(walk.operation) ?? { sizeVariables, costs: new Map<string, number>() }
  if (known.costs.size >= knownCostsPerOperation) known.costs.clear()
  known.costs.set(sizesKey(known.sizeVariables, walk.variables), cost)
  knownCosts.set(walk.operation, known)
}

function sizesKey(names: readonly string[], variables: Variables): string {
  return names.length === 0 ? '' : names.map((name) => sizeKey(ownValue(variables, name))).join()
}

// Left out and null differ: only the first takes the variable's default.
const sizeKey = (value: unknown): string => (value === undefined ? '' : String(sizeOf(value)))

function costOfSet(walk: Walk, set: SelectionSetNode, type: GraphQLCompositeType, page: number | undefined): number {
  let cost = 0
  for (const selection of set.selections) cost = Math.min(cost + costOfSelection(walk, selection, type, page), ceiling)
  return cost
}

function costOfSelection(
  walk: Walk,
  selection: SelectionNode,
  type: GraphQLCompositeType,
  page: number | undefined,
): number {
  if (selection.kind === Kind.FIELD) return costOfField(walk, selection, type, page)
  if (selection.kind === Kind.FRAGMENT_SPREAD) return costOfFragment(walk, selection.name.value, page)
  const condition = selection.typeCondition && walk.schema.getType(selection.typeCondition.name.value)
  return costOfSet(walk, selection.selectionSet, isCompositeType(condition) ? condition : type, page)
}

function costOfFragment(walk: Walk, name: string, page: number | undefined): number {
  const key = `${name} ${page}`
  const known = walk.costs.get(key)
  if (known !== undefined) return known
  const fragment = walk.fragments.get(name)
  const type = fragment && walk.schema.getType(fragment.typeCondition.name.value)
  if (fragment === undefined || !isCompositeType(type)) return 0
  walk.costs.set(key, 0)
  const cost = costOfSet(walk, fragment.selectionSet, type, page)
  walk.costs.set(key, cost)
  return cost
}

function costOfField(walk: Walk, node: FieldNode, type: GraphQLCompositeType, page: number | undefined): number {
  if (!isObjectType(type) && !isInterfaceType(type)) return 0
  const field = type.getFields()[node.name.value]
  const below = field && getNamedType(field.type)
  if (field === undefined || !isCompositeType(below) || node.selectionSet === undefined) return 0
  const ownPage = field.args.some(isPageSize) ? pageSizeOf(walk, node, field) : undefined
  const isList = isListType(getNullableType(field.type))
  const own = isList && page !== undefined && node.name.value === 'edges' ? 0 : 1
  const cost = own + costOfSet(walk, node.selectionSet, below, isList ? undefined : ownPage)
  return isList ? times(ownPage ?? page ?? walk.pageSizeDefault, cost) : Math.min(cost, ceiling)
}

const isPageSize = ({ name }: { name: string }): boolean => name === 'first' || name === 'last'

function pageSizeOf(walk: Walk, node: FieldNode, field: GraphQLField<unknown, unknown>): number {
  const sizes = field.args
    .filter(isPageSize)
    .map((argument) => {
      const given = node.arguments?.find((candidate) => candidate.name.value === argument.name)
      return sizeOf(given === undefined ? argument.defaultValue : valueOf(walk, given.value))
    })
    .filter((size) => size !== undefined)
  return sizes.length === 0 ? walk.pageSizeDefault : Math.max(...sizes)
}

function valueOf(walk: Walk, node: ValueNode): unknown {
  if (node.kind === Kind.INT) return Number(node.value)
  if (node.kind !== Kind.VARIABLE) return undefined
  const name = node.name.value
  walk.sizeVariables.add(name)
  const given = ownValue(walk.variables, name)
  if (given !== undefined) return given
  const definition = walk.operation.variableDefinitions?.find((candidate) => candidate.variable.name.value === name)
  return definition?.defaultValue?.kind === Kind.INT ? Number(definition.defaultValue.value) : undefined
}

const ownValue = (variables: Variables, name: string): unknown =>
  Object.hasOwn(variables, name) ? variables[name] : undefined

/** A size, or undefined for what is none: the executor refuses it, so it may count as if it were left out. */
function sizeOf(value: unknown): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) return undefined
  return Math.min(Math.floor(value), ceiling)
}
