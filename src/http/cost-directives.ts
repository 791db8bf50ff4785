import {
  getDirectiveValues,
  getNamedType,
  getNullableType,
  GraphQLInt,
  isAbstractType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isObjectType,
  type ConstDirectiveNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'

/** What `@cost` and `@listSize` say of one field. */
export interface FieldCost {
  /** What each object or value of it costs, without what is selected below. */
  readonly weight: number
  readonly isList: boolean
  /** Null where nothing says how many there are. */
  readonly size: ListSize | null
}

export interface ListSize {
  /** The arguments that say how many. */
  readonly slicing: readonly GraphQLArgument[]
  /** How many there are where no argument says it; null: the default page size. */
  readonly assumed: number | null
  /** The lists right below that have this size; empty where the field is the list itself. */
  readonly sizedFields: readonly string[]
}

type AnyField = GraphQLField<unknown, unknown>
type Owner = GraphQLObjectType | GraphQLInterfaceType
type Say = (mistake: string) => void
interface Annotated {
  readonly directives?: readonly ConstDirectiveNode[] | undefined
}

/** What each field of the schema costs, by the field itself. */
export type FieldCosts = ReadonlyMap<AnyField, FieldCost>

/** Weights are whole numbers below a million: sums of them stay exact. */
const WEIGHT = /^\d{1,6}$/
/** Arguments that say how large a page is: a field that has one has to say so. */
const PAGE_SIZES: ReadonlySet<string> = new Set(['first', 'last'])

/**
 * Reads the cost directives of a schema, those of the cost-analysis draft (https://ibm.github.io/graphql-specs/cost-spec.html).
 * Without any, an object costs 1 and a scalar nothing.
 * @throws Error naming every directive that makes no sense where it stands: what is costed wrongly is no limit.
 */
export function readCosts(schema: GraphQLSchema): FieldCosts {
  const mistakes: string[] = []
  const costs = new Map<AnyField, FieldCost>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue
    readWeight(schema, type, (mistake) => void mistakes.push(`${type.name}: ${mistake}`))
    if (isObjectType(type) || isInterfaceType(type)) readFields(schema, type, costs, mistakes)
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (isInterfaceType(type)) coverImplementations(schema, type, costs, mistakes)
  }
  if (mistakes.length > 0) throw new Error(`The schema's costs make no sense:\n${mistakes.join('\n')}`)
  return costs
}

function readFields(schema: GraphQLSchema, type: Owner, costs: Map<AnyField, FieldCost>, mistakes: string[]): void {
  for (const field of Object.values(type.getFields())) {
    const say: Say = (mistake) => void mistakes.push(`${type.name}.${field.name}: ${mistake}`)
    const isList = isListType(getNullableType(field.type))
    const weight = readWeight(schema, field, say) ?? weightOfType(schema, getNamedType(field.type))
    costs.set(field, { weight, isList, size: readSize(schema, field, { isList, say }) })
  }
}

/** The values of a directive, on an element or an extension of it; undefined where it does not stand there. */
function valuesOf(schema: GraphQLSchema, name: string, element: GraphQLNamedType | AnyField) {
  const definition = schema.getDirective(name)
  const extensions = 'extensionASTNodes' in element ? element.extensionASTNodes : []
  const nodes: readonly Annotated[] = [element.astNode, ...extensions].filter((node) => node != null)
  return definition
    ? getDirectiveValues(definition, { directives: nodes.flatMap((node) => node.directives ?? []) })
    : undefined
}

function readWeight(schema: GraphQLSchema, element: GraphQLNamedType | AnyField, say: Say): number | undefined {
  const values = valuesOf(schema, 'cost', element)
  if (values === undefined) return undefined
  const weight = String(values.weight)
  if (!WEIGHT.test(weight)) say(`@cost: the weight must be a whole number below a million: ${weight}`)
  const roots: unknown[] = [schema.getQueryType(), schema.getMutationType()]
  if (roots.includes(element)) say('@cost: nothing returns it, so it would never be counted')
  return Number(weight)
}

/** What the most expensive object that it may be costs. */
function weightOfType(schema: GraphQLSchema, type: GraphQLNamedType): number {
  if (isAbstractType(type)) return Math.max(0, ...schema.getPossibleTypes(type).map((of) => weightOfType(schema, of)))
  return readWeight(schema, type, () => undefined) ?? (isLeafType(type) ? 0 : 1)
}

function readSize(schema: GraphQLSchema, field: AnyField, { isList, say }: { isList: boolean; say: Say }) {
  const values = valuesOf(schema, 'listSize', field)
  if (values === undefined) {
    const unsaid = field.args.find(({ name }) => PAGE_SIZES.has(name))
    if (unsaid) say(`"${unsaid.name}" says how large a page is: @listSize is missing`)
    return null
  }
  const names = (values.slicingArguments ?? []) as string[]
  const sizedFields = (values.sizedFields ?? []) as string[]
  const assumed = (values.assumedSize ?? null) as number | null
  const slicing = names.flatMap((name) => slicingArgument(field, name, say))
  if (names.length === 0 && assumed === null) say('@listSize: neither assumedSize nor slicingArguments is given')
  if (assumed !== null && assumed < 0) say(`@listSize: assumedSize is negative: ${assumed}`)
  if (isList && sizedFields.length > 0) say('@listSize: a list has its own size, and not that of sizedFields')
  if (!isList && sizedFields.length === 0) say('@listSize: neither is it a list, nor does sizedFields name one')
  for (const name of sizedFields) {
    if (!hasList(getNamedType(field.type), name)) say(`@listSize: sizedFields names no list below: ${name}`)
  }
  return { slicing, assumed, sizedFields }
}

function slicingArgument(field: AnyField, name: string, say: Say): GraphQLArgument[] {
  const argument = field.args.find((candidate) => candidate.name === name)
  if (argument && getNullableType(argument.type) === GraphQLInt) return [argument]
  say(`@listSize: slicingArguments names no argument that is an Int: ${name}`)
  return []
}

function hasList(type: GraphQLNamedType, name: string): boolean {
  const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
  return field !== undefined && isListType(getNullableType(field.type))
}

/** A field that is asked for through an interface costs no less than it does on any object behind it. */
function coverImplementations(
  schema: GraphQLSchema,
  type: GraphQLInterfaceType,
  costs: Map<AnyField, FieldCost>,
  mistakes: string[],
): void {
  const { objects } = schema.getImplementations(type)
  for (const field of Object.values(type.getFields())) {
    const own = costs.get(field)
    const others = objects.map((object) => costs.get(object.getFields()[field.name] as AnyField))
    if (!own) continue
    costs.set(field, { ...own, weight: Math.max(own.weight, ...others.map((other) => other?.weight ?? 0)) })
    if (others.every((other) => sizeText(other) === sizeText(own))) continue
    mistakes.push(`${type.name}.${field.name}: @listSize must be the same on every object that implements it`)
  }
}

const sizeText = (cost: FieldCost | undefined): string =>
  cost?.size
    ? JSON.stringify([cost.size.slicing.map(({ name }) => name), cost.size.assumed, cost.size.sizedFields])
    : ''
