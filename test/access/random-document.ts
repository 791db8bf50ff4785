import {
  getNamedType,
  getNullableType,
  GraphQLNonNull,
  isCompositeType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql'
import type { Choices } from '../choices.ts'

/** An operation for a schema: nearly always a valid one. */
export interface RandomDocument {
  readonly text: string
  readonly operationName: string | null
  readonly variables: Record<string, unknown>
  /** True when a value may equal a default of the schema, and so cannot be told from it once it is coerced. */
  readonly hasDefaults: boolean
}

interface Drawing {
  readonly c: Choices
  readonly schema: GraphQLSchema
  readonly hasDefaults: boolean
  readonly fragments: { name: string; on: GraphQLCompositeType; text: string }[]
  readonly declared: string[]
  readonly variables: Record<string, unknown>
  selections: number
}

const depthMax = 4
const selectionsMax = 24
const inputDepth = 3

/** Draws a query or mutation of a schema, with its variables. */
export function randomDocument(c: Choices, schema: GraphQLSchema, kind: 'query' | 'mutation'): RandomDocument {
  const drawing = { c, schema, hasDefaults: c.chance(30), fragments: [], declared: [], variables: {}, selections: 0 }
  const root = kind === 'query' ? schema.getQueryType()! : schema.getMutationType()!
  const body = selectionSet(drawing, root, depthMax)
  const { declared, fragments, variables, hasDefaults } = drawing as Drawing
  const text = [
    `${kind} Op${declared.length > 0 ? `(${declared.join(', ')})` : ''} ${body}`,
    ...fragments.map(({ name, on, text: of }) => `fragment ${name} on ${on.name} ${of}`),
  ]
  const hasOther = c.chance(15)
  if (hasOther) text.unshift('query Other { __typename }')
  return { text: text.join('\n'), operationName: hasOther ? 'Op' : null, variables, hasDefaults }
}

function selectionSet(drawing: Drawing, type: GraphQLCompositeType, depth: number): string {
  const count = 1 + drawing.c.below(3)
  const selections = Array.from({ length: count }, () => selection(drawing, type, depth))
  return `{ ${selections.join(' ')} }`
}

function selection(drawing: Drawing, type: GraphQLCompositeType, depth: number): string {
  const { c } = drawing
  drawing.selections += 1
  const isFragment = depth > 0 && drawing.selections < selectionsMax && c.chance(30)
  return isFragment ? fragment(drawing, type, depth) : field(drawing, type, depth)
}

function fragment(drawing: Drawing, type: GraphQLCompositeType, depth: number): string {
  const { c, fragments } = drawing
  const known = fragments.filter(({ on }) => overlap(drawing.schema, type, on))
  if (known.length > 0 && c.chance(30)) return `...${c.of(known).name} ${conditions(drawing)}`
  const fitting = Object.values(drawing.schema.getTypeMap()).filter(
    (other) => isCompositeType(other) && !other.name.startsWith('__') && overlap(drawing.schema, type, other),
  ) as GraphQLCompositeType[]
  const on = c.chance(70) ? c.of([type, ...fitting]) : type
  const when = conditions(drawing)
  const text = selectionSet(drawing, on, depth - 1)
  if (c.chance(50)) return on === type && c.chance(50) ? `... ${when} ${text}` : `... on ${on.name} ${when} ${text}`
  const name = `F${fragments.length}`
  fragments.push({ name, on, text })
  return `...${name} ${when}`
}

function field(drawing: Drawing, type: GraphQLCompositeType, depth: number): string {
  const { c, schema } = drawing
  const fields = isUnionType(type) ? [] : Object.values(type.getFields())
  const isDeepEnough = depth === 0 || drawing.selections >= selectionsMax
  const fitting = isDeepEnough ? fields.filter((one) => !isCompositeType(getNamedType(one.type))) : fields
  if (fitting.length === 0 || c.chance(10)) return metaField(c, type === schema.getQueryType())
  const chosen = c.of(fitting)
  const of = getNamedType(chosen.type)
  const given = argumentsOf(drawing, chosen)
  const fresh = `a${drawing.selections}: `
  // The same key twice is merged, and only the same arguments can be.
  const key = given === '' ? c.of([fresh, '', '', `k_${chosen.name}: `]) : c.of([fresh, fresh, fresh, ''])
  const body = isCompositeType(of) ? selectionSet(drawing, of, depth - 1) : ''
  return `${key}${chosen.name}${given} ${conditions(drawing)} ${body}`
}

const metaField = (c: Choices, isQuery: boolean) =>
  isQuery ? c.of(['__typename', '__schema { queryType { name } }', '__type(name: "A") { name }']) : '__typename'

function overlap(schema: GraphQLSchema, one: GraphQLCompositeType, other: GraphQLCompositeType): boolean {
  const possible = (type: GraphQLCompositeType) => (isObjectType(type) ? [type] : schema.getPossibleTypes(type))
  return possible(one).some((type) => possible(other).includes(type))
}

/** `@skip` and `@include`, by literals and by variables. */
function conditions(drawing: Drawing): string {
  const { c } = drawing
  return c
    .some(['skip', 'include'], 12)
    .map((name) => `@${name}(if: ${c.chance(30) ? c.of(['true', 'false']) : switchVariable(drawing)})`)
    .join(' ')
}

function switchVariable({ c, declared, variables }: Drawing): string {
  const name = `if${declared.length}`
  const value = c.of([true, false])
  const type = c.of(['Boolean!', `Boolean! = ${c.of(['true', 'false'])}`, `Boolean = ${c.of(['true', 'false'])}`])
  declared.push(`$${name}: ${type}`)
  if (type === 'Boolean!' || c.chance(60)) variables[name] = value
  if (type.startsWith('Boolean =') && c.chance(5)) variables[name] = null
  if (c.chance(2)) variables[name] = String(value)
  return `$${name}`
}

type Input = GraphQLArgument | GraphQLInputField

const isRequired = ({ type, defaultValue }: Input) => isNonNullType(type) && defaultValue === undefined

function argumentsOf(drawing: Drawing, { args }: GraphQLField<unknown, unknown>): string {
  const given = args.filter((one) => isRequired(one) || drawing.c.chance(60))
  const written = given.map((one) => `${one.name}: ${literal(place(drawing, one.type, !isRequired(one), inputDepth))}`)
  return written.length > 0 ? `(${written.join(', ')})` : ''
}

/** Stands where a variable is written. */
class Variable {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A value of a type: what is in it is drawn by `inner`. */
function valueOf(drawing: Drawing, type: GraphQLInputType, depth: number, inner: Inner): unknown {
  const { c } = drawing
  if (!isNonNullType(type) && c.chance(15)) return null
  const nullable = getNullableType(type)
  if (isListType(nullable)) {
    const items = Array.from({ length: c.below(3) }, () => inner(drawing, nullable.ofType, false, depth - 1))
    const [only] = items
    // One value where a list is expected stands for a list of one.
    return items.length === 1 && !(only instanceof Variable) && c.chance(20) ? only : items
  }
  if (!isInputObjectType(nullable)) return c.below(drawing.hasDefaults ? 9 : 5)
  const fields = Object.values(nullable.getFields()).filter(() => depth > 0 && c.chance(30))
  return Object.fromEntries(fields.map((one) => [one.name, inner(drawing, one.type, !isRequired(one), depth - 1)]))
}

type Inner = (drawing: Drawing, type: GraphQLInputType, isOptional: boolean, depth: number) => unknown

/** A value without variables. */
const constant: Inner = (drawing, type, _, depth) => valueOf(drawing, type, depth, constant)

/** A value, or a variable in its place. */
const place: Inner = (drawing, type, isOptional, depth) =>
  drawing.c.chance(35) ? variable(drawing, type, isOptional, depth) : valueOf(drawing, type, depth, place)

/** A variable: with a default or without; supplied, null or left out. */
function variable(drawing: Drawing, type: GraphQLInputType, isOptional: boolean, depth: number): Variable {
  const { c, declared, variables } = drawing
  const name = `v${declared.length}`
  const nullable = getNullableType(type)
  const hasDefault = c.chance(25)
  const isNonNull = (isNonNullType(type) && !isOptional && !hasDefault) || c.chance(20)
  const variableType = isNonNull ? new GraphQLNonNull(nullable) : nullable
  const orElse = hasDefault ? ` = ${literal(constant(drawing, new GraphQLNonNull(nullable), false, depth))}` : ''
  declared.push(`$${name}: ${String(variableType)}${orElse}`)
  const isLeftOut = (hasDefault || !isNonNull) && c.chance(40)
  // A place that must not be null fails with null, and that is not about access.
  const given = isNonNullType(type) ? new GraphQLNonNull(nullable) : variableType
  if (!isLeftOut) variables[name] = constant(drawing, given, false, depth)
  return new Variable(name)
}

/** A value as it is written in a document. */
function literal(value: unknown): string {
  if (value instanceof Variable) return `$${value.name}`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{ ${Object.entries(value)
    .map(([name, inner]) => `${name}: ${literal(inner)}`)
    .join(', ')} }`
}
