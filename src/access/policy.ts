import { getNamedType, type GraphQLArgument, type GraphQLField, type GraphQLSchema } from 'graphql'
import { findMistakes } from './check.ts'
import { readRules } from './directives.ts'
import { fieldedTypes, inputTypes, interfacesOf, type FieldedType } from './elements.ts'
import { combine, isPublic, nothing, type Requirement } from './rules.ts'
import type { ScopeRegistry } from './scopes.ts'

/** What one field needs: everything that applies to it already combined. */
export interface FieldAccess {
  /** `Query.projects` */
  readonly coordinate: string
  readonly owner: FieldedType
  readonly field: GraphQLField<unknown, unknown>
  readonly requirement: Requirement
  /** The guarded arguments: what supplying each needs. */
  readonly args: ReadonlyMap<string, Requirement>
  /** True when an argument is guarded, or a guarded input field can be reached through one. */
  readonly checksInputs: boolean
}

/** The access rules of a schema, compiled: what each coordinate needs. */
export interface Policy {
  readonly schema: GraphQLSchema
  readonly registry: ScopeRegistry
  /** Types under which the caller is whoever has just signed in. */
  readonly signInTypes: ReadonlySet<string>
  /** By name of object or interface: what being handed such an object needs. */
  readonly types: ReadonlyMap<string, Requirement>
  /** By coordinate, the fields of interfaces included. */
  readonly fields: ReadonlyMap<string, FieldAccess>
  /** By coordinate, the guarded input fields alone. */
  readonly inputFields: ReadonlyMap<string, Requirement>
  /** Input types in which a guarded input field can be reached. */
  readonly guardedInputTypes: ReadonlySet<string>
}

export interface PolicyOptions {
  /** Types of which the selection is authorized at run time, as who has just signed in. Default: `AuthPayload`. */
  readonly signInTypes?: readonly string[]
}

/**
 * Compiles the access directives of a schema.
 * @throws Error that names every mistake with its coordinate: nothing may be served under rules that do not hold.
 */
export function createPolicy(schema: GraphQLSchema, registry: ScopeRegistry, options: PolicyOptions = {}): Policy {
  const signInTypes = new Set(options.signInTypes ?? ['AuthPayload'])
  const mistakes = findMistakes(schema, registry, signInTypes)
  if (mistakes.length > 0) throw new Error(`The schema's access rules do not hold:\n${mistakes.join('\n')}`)
  const inputFields = guardedInputFields(schema, registry)
  const guardedInputTypes = typesReaching(schema, inputFields)
  const fielded = fieldedTypes(schema)
  const types = new Map(fielded.map((type) => [type.name, typeRequirement(type, registry)]))
  const fields = fielded.flatMap((owner) =>
    Object.values(owner.getFields()).map((field): [string, FieldAccess] => {
      const coordinate = `${owner.name}.${field.name}`
      const requirement = fieldRequirement(owner, field, types, registry)
      const args = guardedArguments(owner, field, registry)
      const reaches = field.args.some((argument) => guardedInputTypes.has(getNamedType(argument.type).name))
      return [coordinate, { coordinate, owner, field, requirement, args, checksInputs: args.size > 0 || reaches }]
    }),
  )
  return { schema, registry, signInTypes, types, fields: new Map(fields), inputFields, guardedInputTypes }
}

function typeRequirement(type: FieldedType, registry: ScopeRegistry): Requirement {
  return combine(...[type, ...interfacesOf(type)].map((one) => readRules(one, registry).requirement))
}

function fieldRequirement(
  owner: FieldedType,
  field: GraphQLField<unknown, unknown>,
  types: ReadonlyMap<string, Requirement>,
  registry: ScopeRegistry,
): Requirement {
  const declarations = [field, ...inherited(owner, field.name)]
  return combine(
    ...declarations.map((one) => readRules(one, registry).requirement),
    types.get(owner.name) ?? nothing,
    types.get(getNamedType(field.type).name) ?? nothing,
  )
}

function guardedArguments(
  owner: FieldedType,
  field: GraphQLField<unknown, unknown>,
  registry: ScopeRegistry,
): ReadonlyMap<string, Requirement> {
  const declarations = [field, ...inherited(owner, field.name)]
  const requirementOf = (name: string) => {
    const same: GraphQLArgument[] = declarations.flatMap((one) => one.args.filter((argument) => argument.name === name))
    return combine(...same.map((argument) => readRules(argument, registry).requirement))
  }
  const all = field.args.map(({ name }): [string, Requirement] => [name, requirementOf(name)])
  return new Map(all.filter(([, requirement]) => !isPublic(requirement)))
}

function inherited(owner: FieldedType, name: string): GraphQLField<unknown, unknown>[] {
  return [...interfacesOf(owner)].flatMap((one) => one.getFields()[name] ?? [])
}

function guardedInputFields(schema: GraphQLSchema, registry: ScopeRegistry): ReadonlyMap<string, Requirement> {
  const all = inputTypes(schema).flatMap((type) =>
    Object.values(type.getFields()).map((field): [string, Requirement] => [
      `${type.name}.${field.name}`,
      readRules(field, registry).requirement,
    ]),
  )
  return new Map(all.filter(([, requirement]) => !isPublic(requirement)))
}

/** Input types may hold each other in a circle, so they are added until no more follow. */
function typesReaching(schema: GraphQLSchema, guarded: ReadonlyMap<string, Requirement>): ReadonlySet<string> {
  const reaching = new Set([...guarded.keys()].map((coordinate) => coordinate.slice(0, coordinate.indexOf('.'))))
  for (let before = -1; before < reaching.size;) {
    before = reaching.size
    for (const type of inputTypes(schema)) {
      const held = Object.values(type.getFields()).map((field) => getNamedType(field.type).name)
      if (held.some((name) => reaching.has(name))) reaching.add(type.name)
    }
  }
  return reaching
}
