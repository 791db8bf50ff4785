import type {
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  ValueNode,
} from 'graphql'
import { getNamedType, isCompositeType, isInterfaceType, isObjectType, Kind } from 'graphql'
import type { OperationLimits } from './config.ts'
import { readCosts, type FieldCosts, type ListSize } from './cost-directives.ts'
import { fragmentsOf } from './limits.ts'

type Variables = Readonly<Record<string, unknown>>

/** What an operation costs. The variables need not be of their types: what is no size counts as none. */
export type OperationCost = (document: DocumentNode, operation: OperationDefinitionNode, variables: Variables) => number

interface Walk {
  schema: GraphQLSchema
  fields: FieldCosts
  fragments: ReturnType<typeof fragmentsOf>
  operation: OperationDefinitionNode
  variables: Variables
  pageSizeDefault: number
  /** Costs of fragments, by name and the page that they stand under. */
  costs: Map<string, number>
  /** Names of the variables that a size was read from. */
  sizeVariables: Set<string>
}

/** The size that a field hands to lists right below it. */
interface Page {
  size: number
  fields: readonly string[]
}

// Products are held below this, so that sums of them stay exact enough and no NaN comes of Infinity times 0.
const ceiling = 1e15
const times = (count: number, cost: number): number => Math.min(count * cost, ceiling)

interface KnownCost {
  sizeVariables: readonly string[]
  costs: Map<string, number>
}
const knownCostsPerOperation = 32

/**
 * Makes the question how much an operation costs: the objects that its answer could hold, each at the weight that `@cost`
 * gives its field, else its type. A field costs its weight and what is below it, a list as many times that as it is long:
 * what its slicing arguments say, as literals or variables, else its assumed size, else the default page size. `@listSize`
 * may hand the size to lists right below. Introspection is free: it has a bound of its own.
 * @throws Error naming every mistake in the schema's cost directives
 */
export function createOperationCost(
  schema: GraphQLSchema,
  { pageSizeDefault }: Pick<OperationLimits, 'pageSizeDefault'>,
): OperationCost {
  const fields = readCosts(schema)
  const knownCosts = new WeakMap<OperationDefinitionNode, KnownCost>()
  return (document, operation, variables) => {
    // Documents are parsed once and kept, so most requests find their cost by the sizes they ask for.
    const known = knownCosts.get(operation)
    const found = known?.costs.get(sizesKey(known.sizeVariables, variables))
    if (found !== undefined) return found
    const fragments = fragmentsOf(document)
    const [costs, sizeVariables] = [new Map<string, number>(), new Set<string>()]
    const walk: Walk = { schema, fields, fragments, operation, variables, pageSizeDefault, costs, sizeVariables }
    const root = schema.getRootType(operation.operation)
    const cost = root ? costOfSet(walk, operation.selectionSet, root, null) : 0
    knownCosts.set(operation, remembered(known, walk, cost))
    return cost
  }
}

function remembered(known: KnownCost | undefined, walk: Walk, cost: number): KnownCost {
  const { sizeVariables, costs } = known ?? { sizeVariables: [...walk.sizeVariables], costs: new Map<string, number>() }
  if (costs.size >= knownCostsPerOperation) costs.clear()
  costs.set(sizesKey(sizeVariables, walk.variables), cost)
  return { sizeVariables, costs }
}

function sizesKey(names: readonly string[], variables: Variables): string {
  return names.length === 0 ? '' : names.map((name) => sizeKey(ownValue(variables, name))).join()
}

// Left out and null differ: only the first takes the variable's default.
const sizeKey = (value: unknown): string => (value === undefined ? '' : String(sizeOf(value)))

function costOfSet(walk: Walk, set: SelectionSetNode, type: GraphQLCompositeType, page: Page | null): number {
  let cost = 0
  for (const selection of set.selections) cost = Math.min(cost + costOfSelection(walk, selection, type, page), ceiling)
  return cost
}

function costOfSelection(walk: Walk, selection: SelectionNode, type: GraphQLCompositeType, page: Page | null): number {
  if (selection.kind === Kind.FIELD) return costOfField(walk, selection, type, page)
  if (selection.kind === Kind.FRAGMENT_SPREAD) return costOfFragment(walk, selection.name.value, page)
  const condition = selection.typeCondition && walk.schema.getType(selection.typeCondition.name.value)
  return costOfSet(walk, selection.selectionSet, isCompositeType(condition) ? condition : type, page)
}

function costOfFragment(walk: Walk, name: string, page: Page | null): number {
  const key = `${name} ${page?.size} ${page?.fields.join()}`
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

function costOfField(walk: Walk, node: FieldNode, type: GraphQLCompositeType, page: Page | null): number {
  const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined
  const known = field && walk.fields.get(field)
  if (!known) return 0
  const size = known.size ? sliceOf(walk, node, known.size) : undefined
  const handed = page?.fields.includes(node.name.value) ? page.size : undefined
  const below = getNamedType(field.type)
  const pageBelow = size !== undefined && !known.isList ? { size, fields: known.size?.sizedFields ?? [] } : null
  const selected =
    node.selectionSet && isCompositeType(below) ? costOfSet(walk, node.selectionSet, below, pageBelow) : 0
  const cost = Math.min(known.weight + selected, ceiling)
  return known.isList ? times(size ?? handed ?? walk.pageSizeDefault, cost) : cost
}

/** The largest of the sizes that a field is given. */
function sliceOf(walk: Walk, node: FieldNode, { slicing, assumed }: ListSize): number {
  const sizes = slicing
    .map((argument) => {
      const given = node.arguments?.find((candidate) => candidate.name.value === argument.name)
      return sizeOf(given === undefined ? argument.defaultValue : valueOf(walk, given.value))
    })
    .filter((size) => size !== undefined)
  return sizes.length === 0 ? (assumed ?? walk.pageSizeDefault) : Math.max(...sizes)
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
