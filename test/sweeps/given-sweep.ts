import { randomUUID } from 'node:crypto'
import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql'
import { readSdl } from '../../src/schema.ts'

/** A field that a client can reach: a root field, or one under the path of those that it stands under. */
export interface Operation {
  kind: 'query' | 'mutation'
  /** `Query.projects`, or `Query.platform.organization` for what is reached through a field without arguments. */
  coordinate: string
  path: readonly string[]
  field: GraphQLField<unknown, unknown>
}

export const schema: GraphQLSchema = readSdl()

/** Every root field, and every field with arguments that can be reached from one through fields that need none. */
export function operations(): Operation[] {
  return (['query', 'mutation'] as const).flatMap((kind) => {
    const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType()
    return Object.values(root?.getFields() ?? {}).flatMap((field) => {
      const operation = { kind, coordinate: `${root?.name ?? ''}.${field.name}`, path: [field.name], field }
      return [operation, ...(kind === 'query' && !field.args.length ? below(operation, field.type) : [])]
    })
  })
}

function below(parent: Operation, type: GraphQLOutputType): Operation[] {
  const named = getNamedType(type)
  if (!isObjectType(named) || isListType(getNullableType(type))) return []
  return Object.values(named.getFields())
    .filter((field) => field.args.length > 0)
    .map((field) => ({
      kind: parent.kind,
      coordinate: `${parent.coordinate}.${field.name}`,
      path: [...parent.path, field.name],
      field,
    }))
}

/** Where in the variables an id, or a text that may hold one, is to be given. */
export interface Place {
  path: readonly string[]
  /** `ID`, or `String` for what is called …Id, and for cursors. */
  type: string
}

const HOLDS_AN_ID = /(^|[a-z])Id$|^id$/
const IS_A_CURSOR = /^(after|before)$/

/** Every argument and input field of an operation that takes an id. */
export function idPlaces({ field }: Operation): Place[] {
  return field.args.flatMap((argument) => placesIn(argument, [argument.name], HOLDS_AN_ID))
}

/** Every argument of an operation that takes a cursor. */
export function cursorPlaces({ field }: Operation): Place[] {
  return field.args.flatMap((argument) => placesIn(argument, [argument.name], IS_A_CURSOR, false))
}

function placesIn(
  input: GraphQLArgument | GraphQLInputField,
  path: readonly string[],
  names: RegExp,
  ids = true,
): Place[] {
  const type = getNamedType(input.type)
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).flatMap((field) => placesIn(field, [...path, field.name], names, ids))
  }
  const fits = (ids && type.name === 'ID') || (type.name === 'String' && names.test(input.name))
  return fits ? [{ path, type: type.name }] : []
}

/** A value that the type accepts, for what has to be given. */
function valueOf(type: GraphQLInputType, name: string): unknown {
  const nullable = getNullableType(type)
  if (isListType(nullable)) return [valueOf(nullable.ofType, name)]
  if (isInputObjectType(nullable)) return inputOf(Object.values(nullable.getFields()))
  if (isEnumType(nullable)) return nullable.getValues()[0]?.value
  if (/password/i.test(name)) return 'correct horse battery 7'
  const values: Record<string, unknown> = {
    ID: randomUUID(),
    String: `swept ${name}`,
    Int: 5,
    Boolean: true,
    Scope: 'read:projects',
    EmailAddress: `${randomUUID()}@example.test`,
    DateTime: '2099-01-01T00:00:00.000Z',
  }
  const value = (nullable as { name: string }).name in values ? values[(nullable as { name: string }).name] : undefined
  if (value === undefined) throw new Error(`The sweep knows no value of the type ${String(type)}`)
  return value
}

const inputOf = (fields: readonly (GraphQLInputField | GraphQLArgument)[]) =>
  Object.fromEntries(
    fields.filter(({ type }) => isNonNullType(type)).map(({ name, type }) => [name, valueOf(type, name)]),
  )

/** The operation's variables: what must be given, and `value` at each of the places. */
export function variablesOf({ field }: Operation, value?: string, places: readonly Place[] = []) {
  const variables = inputOf(field.args)
  for (const { path } of places) {
    path.slice(0, -1).reduce<Record<string, unknown>>((at, name) => (at[name] ??= {}) as never, variables)[
      path.at(-1) ?? ''
    ] = value
  }
  return variables
}

const LEVELS = 2

/** Every leaf of a type, and of what it holds without asking for arguments, to a depth; so that an answer shows all it can. */
function selectionOf(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type)
  if (isLeafType(named)) return ''
  if (!isObjectType(named)) return '{ __typename }'
  const fields = Object.values(named.getFields())
    .filter((field) => !field.args.some((argument) => isNonNullType(argument.type)))
    .filter((field) => isLeafType(getNamedType(field.type)) || depth > 0)
    .map((field) => `${field.name} ${selectionOf(field.type, depth - 1)}`)
  return `{ ${fields.length > 0 ? fields.join(' ') : '__typename'} }`
}

/** The operation as a document. */
export function documentOf({ kind, path, field }: Operation, levels = LEVELS): string {
  const declared = field.args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ')
  const given = field.args.map(({ name }) => `${name}: $${name}`).join(', ')
  const called = `${path.at(-1) ?? ''}${given && `(${given})`} ${selectionOf(field.type, levels)}`
  const body = path.slice(0, -1).reduceRight((inner, name) => `${name} { ${inner} }`, called)
  return `${kind}${declared && ` (${declared})`} { ${body} }`
}
