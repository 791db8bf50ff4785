import {
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type FieldNode,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type ObjectValueNode,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql'
import type { FieldAccess, Policy } from './policy.ts'
import type { Requirement } from './rules.ts'

/** What a variable holds: a value, or the default that the caller's own document wrote; null when it is left out. */
export type Supplied = { readonly value: unknown } | { readonly literal: ValueNode } | null

/** How the variables of a request are read. */
export interface Variables {
  read(name: string): Supplied
  /** True for a value that may be the schema's own default rather than what the caller supplied. */
  mayBeDefault(field: GraphQLInputField, value: unknown): boolean
}

export type RawVariables = Readonly<Record<string, unknown>> | null | undefined

/** The variables of a request as they came, before coercion; where one is left out, its own default stands in. */
export function rawVariables(operation: OperationDefinitionNode, raw: RawVariables): Variables {
  const read = (name: string): Supplied => {
    if (raw && Object.hasOwn(raw, name)) return { value: raw[name] }
    const definition = operation.variableDefinitions?.find((one) => one.variable.name.value === name)
    return definition?.defaultValue ? { literal: definition.defaultValue } : null
  }
  return { read, mayBeDefault: () => false }
}

export interface GuardedInput {
  /** `Query.projects(filter:)` or `ProjectFilter.nameContains` */
  readonly coordinate: string
  readonly requirement: Requirement
}

/**
 * The guarded arguments and input fields that a field of a document supplies. An explicit null supplies. A variable
 * that is left out does not, unless the document gives it a default: that default is the caller's own text, and
 * writing a value there must not be a way around the guard. Defaults of the schema are not the caller's.
 */
export function suppliedGuards(
  policy: Policy,
  access: FieldAccess,
  node: FieldNode,
  variables: Variables,
): GuardedInput[] {
  const walker: Walker = { policy, variables, found: [] }
  for (const argument of node.arguments ?? []) {
    const name = argument.name.value
    if (isLeftOut(argument.value, variables)) continue
    const requirement = access.args.get(name)
    if (requirement) walker.found.push({ coordinate: `${access.coordinate}(${name}:)`, requirement })
    const type = access.field.args.find((one) => one.name === name)?.type
    if (type) walkLiteral(walker, type, argument.value)
  }
  return walker.found
}

interface Walker {
  readonly policy: Policy
  readonly variables: Variables
  readonly found: GuardedInput[]
}

function isLeftOut(value: ValueNode, variables: Variables): boolean {
  return value.kind === Kind.VARIABLE && variables.read(value.name.value) === null
}

function walkLiteral(walker: Walker, type: GraphQLInputType, node: ValueNode): void {
  if (!walker.policy.guardedInputTypes.has(getNamedType(type).name)) return
  const inner = isNonNullType(type) ? type.ofType : type
  if (node.kind === Kind.VARIABLE) {
    const supplied = walker.variables.read(node.name.value)
    if (supplied && 'literal' in supplied) walkLiteral(walker, inner, supplied.literal)
    else if (supplied) walkValue(walker, inner, supplied.value)
  } else if (isListType(inner)) {
    // One value where a list is expected stands for a list of one.
    for (const item of node.kind === Kind.LIST ? node.values : [node]) walkLiteral(walker, inner.ofType, item)
  } else if (isInputObjectType(inner) && node.kind === Kind.OBJECT) walkObject(walker, inner, node)
}

function walkObject(walker: Walker, type: GraphQLInputObjectType, node: ObjectValueNode): void {
  for (const { name, value } of node.fields) {
    const field = type.getFields()[name.value]
    if (!field || isLeftOut(value, walker.variables)) continue
    addGuarded(walker, type, field)
    walkLiteral(walker, field.type, value)
  }
}

function walkValue(walker: Walker, type: GraphQLInputType, value: unknown): void {
  if (!walker.policy.guardedInputTypes.has(getNamedType(type).name)) return
  if (typeof value !== 'object' || value === null) return
  if (isNonNullType(type)) walkValue(walker, type.ofType, value)
  else if (isListType(type)) for (const item of itemsOf(value)) walkValue(walker, type.ofType, item)
  else if (isInputObjectType(type)) walkFields(walker, type, value)
}

function walkFields(walker: Walker, type: GraphQLInputObjectType, value: object): void {
  for (const field of Object.values(type.getFields())) {
    // Read as graphql-js reads it: undefined is left out, null is not.
    const held: unknown = Reflect.get(value, field.name)
    if (held === undefined || walker.variables.mayBeDefault(field, held)) continue
    addGuarded(walker, type, field)
    walkValue(walker, field.type, held)
  }
}

function addGuarded(walker: Walker, type: GraphQLInputObjectType, field: GraphQLInputField): void {
  const coordinate = `${type.name}.${field.name}`
  const requirement = walker.policy.inputFields.get(coordinate)
  if (requirement) walker.found.push({ coordinate, requirement })
}

function itemsOf(value: object): Iterable<unknown> {
  return Symbol.iterator in value ? (value as Iterable<unknown>) : [value]
}
