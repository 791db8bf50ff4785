import {
  getNamedType,
  getNullableType,
  GraphQLNonNull,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql'
import type { Form } from './given-secrets.ts'
import { schema, variablesOf, type Operation } from './given-sweep.ts'

type Input = GraphQLArgument | GraphQLInputField

const isRequired = ({ type, defaultValue }: Input) => isNonNullType(type) && defaultValue === undefined

/** Every root field, and every field with arguments on the shortest way to it that needs none. */
export function fieldsWithInputs(): Operation[] {
  const mutations = Object.values(schema.getMutationType()?.getFields() ?? {}).map((field) => {
    return { kind: 'mutation', coordinate: `Mutation.${field.name}`, path: [field.name], field } as const
  })
  const ways: [GraphQLObjectType, string[]][] = [[schema.getQueryType()!, []]]
  const reached = new Set(ways.map(([type]) => type))
  const found: Operation[] = []
  for (const [type, path] of ways) {
    for (const field of Object.values(type.getFields())) {
      const to = [...path, field.name]
      const inner = getNamedType(field.type)
      found.push({ kind: 'query', coordinate: `${type.name}.${field.name}`, path: to, field })
      if (!isObjectType(inner) || reached.has(inner) || field.args.some(isRequired)) continue
      reached.add(inner)
      ways.push([inner, to])
    }
  }
  return [...found, ...mutations].filter(({ field, path }) => field.args.length > 0 || path.length === 1)
}

/** The coordinates of all arguments and input fields that a client can give. */
export function inputCoordinates(): string[] {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
  return types
    .flatMap((type) => {
      if (isInputObjectType(type)) return Object.keys(type.getFields()).map((name) => `${type.name}.${name}`)
      if (!isObjectType(type)) return []
      return Object.values(type.getFields()).flatMap((field) =>
        field.args.map(({ name }) => `${type.name}.${field.name}(${name}:)`),
      )
    })
    .sort()
}

/** Somewhere in the arguments of a field that a value can be put: an argument, an input field, an item of a list. */
export interface Place {
  /** `Query.projects(first:)` or `CreateProjectInput.name`. */
  coordinate: string
  /** The names on the way to it, and 0 for the item of a list. */
  steps: readonly (string | 0)[]
  type: GraphQLInputType
}

/** Every place in the arguments of an operation, from the outside in. */
export function placesOf({ coordinate, field }: Operation): Place[] {
  const owner = coordinate.split('.').slice(-2).join('.')
  return field.args.flatMap(({ name, type }) => placesIn(type, `${owner}(${name}:)`, [name]))
}

function placesIn(type: GraphQLInputType, coordinate: string, steps: Place['steps']): Place[] {
  const nullable = getNullableType(type)
  const place = { coordinate, steps, type: nullable }
  if (isListType(nullable)) return [place, ...placesIn(nullable.ofType, coordinate, [...steps, 0])]
  if (!isInputObjectType(nullable) || steps.length > 8) return [place]
  const fields = Object.values(nullable.getFields())
  return [place, ...fields.flatMap(({ name, type: of }) => placesIn(of, `${nullable.name}.${name}`, [...steps, name]))]
}

/** What is there to be named: the ids of rows by their kind, and other inputs by their names. */
export interface Known {
  ids: Record<string, string>
  inputs: Record<string, unknown>
}

/** The arguments of an operation: what it must be given, as good as it is known, and `value` at the place. */
export function argumentsWith(operation: Operation, place: Place, value: unknown, known: Known) {
  const [name, ...steps] = place.steps as [string, ...Place['steps']]
  const argument = operation.field.args.find((candidate) => candidate.name === name)!
  const valid = validInputs(operation, operation.field.args, known)
  return { ...valid, [name]: valueAt(operation, argument.type, steps, value, known) }
}

function valueAt(
  operation: Operation,
  type: GraphQLInputType,
  [step, ...steps]: Place['steps'],
  value: unknown,
  known: Known,
): unknown {
  const nullable = getNullableType(type)
  if (step === undefined) {
    // What a client adds to an input object stands beside all that has to be in it.
    return isAddition(value) && isInputObjectType(nullable)
      ? { ...(validInput(operation, type, '', known) as object), ...value }
      : value
  }
  if (isListType(nullable)) return [valueAt(operation, nullable.ofType, steps, value, known)]
  if (!isInputObjectType(nullable)) throw new Error(`There is nothing in a ${String(type)}`)
  const fields = nullable.getFields()
  const inner = valueAt(operation, fields[step]!.type, steps, value, known)
  return { ...validInputs(operation, Object.values(fields), known), [step]: inner }
}

const isAddition = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Bare)

function validInputs(operation: Operation, inputs: readonly Input[], known: Known): Record<string, unknown> {
  return Object.fromEntries(
    inputs.filter(isRequired).map(({ name, type }) => [name, validInput(operation, type, name, known)]),
  )
}

function validInput(operation: Operation, type: GraphQLInputType, name: string, known: Known): unknown {
  const nullable = getNullableType(type)
  if (isInputObjectType(nullable)) return validInputs(operation, Object.values(nullable.getFields()), known)
  const given = known.inputs[`${operation.coordinate} ${name}`]
  if (given !== undefined) return given
  if (getNamedType(nullable).name === 'ID') {
    const kind = (name === 'id' ? operation.coordinate : name).toLowerCase()
    const [, id] = Object.entries(known.ids).find(([candidate]) => kind.includes(candidate.toLowerCase())) ?? []
    if (id !== undefined) return id
  }
  const only = { ...operation, field: { ...operation.field, args: [{ name, type: new GraphQLNonNull(nullable) }] } }
  return variablesOf(only as unknown as Operation)[name]
}

/** A name that stands in a document as it is, where a value would. */
export class Bare {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A value as it is written in a document, whether or not it fits its type. */
export function literal(value: unknown, type?: GraphQLInputType): string {
  const nullable = type && getNullableType(type)
  if (value instanceof Bare) return value.name
  if (Array.isArray(value)) {
    const item = isListType(nullable) ? nullable.ofType : nullable
    return `[${value.map((inner) => literal(inner, item)).join(', ')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const fields = isInputObjectType(nullable) ? nullable.getFields() : {}
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name}: ${literal(inner, fields[name]?.type)}`)
      .join(', ')} }`
  }
  const isValueOfEnum =
    nullable !== undefined && 'getValue' in nullable && typeof value === 'string' && nullable.getValue(value)
  return isValueOfEnum ? value : JSON.stringify(value)
}

/** The scalars of what a field gives. */
function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type)
  if (isLeafType(named)) return ''
  const leaves = isObjectType(named)
    ? Object.values(named.getFields()).filter((field) => !field.args.length && isLeafType(getNamedType(field.type)))
    : []
  return `{ __typename ${leaves.map(({ name }) => name).join(' ')} }`
}

/** One document that asks for an operation several times, each time with other arguments, and its variables. */
export function documentWith(
  { kind, path, field }: Operation,
  calls: readonly Record<string, unknown>[],
  form: Form,
): { query: string; variables: Record<string, unknown> } {
  const typeOf = (name: string) => field.args.find((argument) => argument.name === name)!.type
  const variables: Record<string, unknown> = {}
  const declared: string[] = []
  const called = calls.map((given, at) => {
    const written = Object.entries(given).map(([name, value]) => {
      if (form === 'literal') return `${name}: ${literal(value, typeOf(name))}`
      variables[`v${at}${name}`] = value
      declared.push(`$v${at}${name}: ${String(typeOf(name))}`)
      return `${name}: $v${at}${name}`
    })
    const inputs = written.length > 0 ? `(${written.join(', ')})` : ''
    return `f${at}: ${path.at(-1)!}${inputs} ${selectionOf(field.type)}`
  })
  const body = path.slice(0, -1).reduceRight((inner, name) => `${name} { ${inner} }`, called.join('\n'))
  return { query: `${kind}${declared.length > 0 ? ` (${declared.join(', ')})` : ''} { ${body} }`, variables }
}
