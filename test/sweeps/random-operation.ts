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
} from 'graphql'
import type { Choices } from '../choices.ts'
import { schema } from './given-sweep.ts'

/** A value for an input, by the name of its type and its own: `ID` and `projectId`. */
export type ValueFor = (type: string, name: string) => unknown

export interface RandomOperation {
  readonly kind: 'query' | 'mutation'
  readonly fields: readonly string[]
  readonly query: string
  readonly variables: Record<string, unknown>
}

interface Drawing {
  readonly c: Choices
  readonly valueFor: ValueFor
  readonly declared: string[]
  readonly variables: Record<string, unknown>
}

/** A query of one to three root fields, or one mutation, valid by the schema; every input through a variable; some fields only seldom. */
export function randomOperation(c: Choices, valueFor: ValueFor, seldom: readonly string[]): RandomOperation {
  const kind = c.of(['query', 'mutation', 'mutation'] as const)
  const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType()
  const drawing: Drawing = { c, valueFor, declared: [], variables: {} }
  const count = kind === 'query' ? 1 + c.below(3) : 1
  const all = Object.values(root?.getFields() ?? {})
  const often = all.filter(({ name }) => !seldom.includes(name))
  const fields = Array.from({ length: count }, () => c.of(c.chance(5) ? all : often))
  const body = fields.map((field, at) => `r${at}: ${written(drawing, field, 4)}`).join('\n')
  const { declared, variables } = drawing
  const query = `${kind}${declared.length > 0 ? ` (${declared.join(', ')})` : ''} { ${body} }`
  return { kind, fields: fields.map(({ name }) => name), query, variables }
}

function written(drawing: Drawing, field: GraphQLField<unknown, unknown>, depth: number): string {
  const given = field.args.filter((one) => isRequired(one) || drawing.c.chance(40))
  const inputs = given.map(({ name, type }) => `${name}: ${variable(drawing, type, name)}`)
  const list = inputs.length > 0 ? `(${inputs.join(', ')})` : ''
  return `${field.name}${list} ${selectionOf(drawing, field.type, depth - 1)}`
}

/** Every leaf, and some of what holds more. */
function selectionOf(drawing: Drawing, type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type)
  if (isLeafType(named)) return ''
  const fields = isObjectType(named) ? Object.values(named.getFields()) : []
  const chosen = fields.filter((field) =>
    isLeafType(getNamedType(field.type)) ? true : depth > 0 && drawing.c.chance(45),
  )
  return `{ __typename ${chosen.map((field) => written(drawing, field, depth)).join(' ')} }`
}

function variable({ c, valueFor, declared, variables }: Drawing, type: GraphQLInputType, name: string): string {
  const variableName = `v${declared.length}`
  declared.push(`$${variableName}: ${String(type)}`)
  variables[variableName] = valueOf(c, valueFor, type, name)
  return `$${variableName}`
}

type Input = GraphQLArgument | GraphQLInputField
const isRequired = ({ type, defaultValue }: Input) => isNonNullType(type) && defaultValue === undefined

function valueOf(c: Choices, valueFor: ValueFor, type: GraphQLInputType, name: string): unknown {
  const nullable = getNullableType(type)
  if (!isNonNullType(type) && c.chance(8)) return null
  if (isListType(nullable))
    return Array.from({ length: 1 + c.below(2) }, () => valueOf(c, valueFor, nullable.ofType, name))
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields()).filter((field) => isRequired(field) || c.chance(60))
    return Object.fromEntries(fields.map((field) => [field.name, valueOf(c, valueFor, field.type, field.name)]))
  }
  if (isEnumType(nullable)) return c.of(nullable.getValues()).name
  return valueFor(nullable.name, name)
}
