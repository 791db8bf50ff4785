import {
  defaultFieldResolver,
  defaultTypeResolver,
  isAbstractType,
  isObjectType,
  type GraphQLAbstractType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { collectSubfields } from 'graphql/execution/collectFields.js'
import { isDeepStrictEqual } from 'node:util'
import { fieldedTypes } from './elements.ts'
import { rawVariables, suppliedGuards, type RawVariables, type Variables } from './inputs.ts'
import type { FieldAccess, Policy } from './policy.ts'
import type { Powers } from './powers.ts'
import { denialError, evaluate, isPublic, nothing } from './rules.ts'

/** What the guards need of the context value. A sign-in replaces `principal`, and the guards read it each time. */
export interface AccessContext {
  readonly principal: { readonly powers: Powers } | null
}

/**
 * Puts the policy's guards into the schema itself, in place, and returns it: the resolvers of guarded fields and the
 * type resolution of abstract types. Nothing else is touched, and nothing becomes asynchronous. This is the backstop:
 * the schema stays safe under plain `execute`, though only the plan refuses a mutation before it starts.
 * @throws Error when the policy was made for another schema.
 */
export function guardSchema(schema: GraphQLSchema, policy: Policy): GraphQLSchema {
  for (const type of fieldedTypes(schema)) {
    if (!isObjectType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const access = policy.fields.get(`${type.name}.${field.name}`)
      if (!access) throw new Error(`${type.name}.${field.name}: the policy was made for another schema`)
      if (!isPublic(access.requirement) || access.checksInputs) guardField(field, access, policy)
    }
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isAbstractType(type)) continue
    const possible = schema.getPossibleTypes(type)
    if (possible.some(({ name }) => !isPublic(policy.types.get(name) ?? nothing))) guardTypeResolution(type, policy)
  }
  return schema
}

function guardField(field: FieldAccess['field'], access: FieldAccess, policy: Policy): void {
  const resolve = field.resolve ?? defaultFieldResolver
  const { coordinate, requirement, checksInputs } = access
  // Powers never change, and are one object for all principals that have the same: what sufficed once suffices.
  const sufficient = new WeakSet<Powers>()
  field.resolve = (source, args, context, info) => {
    const powers = powersOf(context)
    if (powers === null || !sufficient.has(powers)) {
      const denial = evaluate(requirement, powers)
      if (denial !== null) throw denialError(coordinate, denial)
      if (powers !== null) sufficient.add(powers)
    }
    if (checksInputs) guardInputs(policy, access, context, info)
    return resolve(source, args, context, info)
  }
}

function guardInputs(policy: Policy, access: FieldAccess, context: unknown, info: GraphQLResolveInfo): void {
  const powers = powersOf(context)
  const readings = [coercedVariables(info), ...variablesAsTheyCame(context, info.operation)]
  for (const variables of readings) {
    const supplied = info.fieldNodes.flatMap((node) => suppliedGuards(policy, access, node, variables))
    for (const { coordinate, requirement } of supplied) {
      const denial = evaluate(requirement, powers)
      if (denial !== null) throw denialError(coordinate, denial)
    }
  }
}

/** By now the defaults of input fields are filled in: a value equal to one may be it, and changes nothing if not. */
function coercedVariables({ variableValues }: GraphQLResolveInfo): Variables {
  return {
    read: (name) => (Object.hasOwn(variableValues, name) ? { value: variableValues[name] } : null),
    mayBeDefault: (field, value) => isDeepStrictEqual(field.defaultValue, value),
  }
}

const handedVariables = new WeakMap<object, WeakMap<OperationDefinitionNode, RawVariables>>()

/**
 * Lets the guards of one execution see the variables as they came, in which a default cannot pass for a value. The
 * guards ask about both, so that this can only add to what they refuse.
 */
export function handVariables(context: object, operation: OperationDefinitionNode, raw: RawVariables): void {
  const ofContext = handedVariables.get(context) ?? new WeakMap<OperationDefinitionNode, RawVariables>()
  handedVariables.set(context, ofContext.set(operation, raw))
}

/** Whether something is denied of an operation that is executed all the same. */
export function isPartlyDenied(context: object, operation: OperationDefinitionNode): boolean {
  return handedVariables.get(context)?.has(operation) ?? false
}

function variablesAsTheyCame(context: unknown, operation: OperationDefinitionNode): Variables[] {
  // Nothing is handed under what is no object.
  const ofContext = handedVariables.get(context as object)
  return ofContext?.has(operation) ? [rawVariables(operation, ofContext.get(operation))] : []
}

function guardTypeResolution(type: GraphQLAbstractType, policy: Policy): void {
  const resolveType = type.resolveType ?? defaultTypeResolver
  type.resolveType = (value, context: unknown, info, abstractType) => {
    const resolved = resolveType(value, context, info, abstractType)
    const allow = (name: string | undefined) => name && allowedType(policy, name, context, info)
    return isPromiseLike(resolved) ? Promise.resolve(resolved).then(allow) : allow(resolved)
  }
}

function isPromiseLike<T>(value: PromiseLike<T> | T): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | null | undefined)?.then === 'function'
}

/** Throws for an object of a denied type, so that it is null with an error, even when only `__typename` is selected. */
function allowedType(policy: Policy, name: string, context: unknown, info: GraphQLResolveInfo): string {
  const denial = evaluate(policy.types.get(name) ?? nothing, powersOf(context))
  if (denial !== null && selectsOf(name, info)) throw denialError(name, denial)
  return name
}

/** False when no fragment of the selection fits the type: nothing of such an object is told. */
function selectsOf(name: string, info: GraphQLResolveInfo): boolean {
  const type = info.schema.getType(name)
  if (!isObjectType(type)) return true
  return collectSubfields(info.schema, info.fragments, info.variableValues, type, info.fieldNodes).size > 0
}

/** A context that is not one has nobody signed in. */
function powersOf(context: unknown): Powers | null {
  return (context as AccessContext | null | undefined)?.principal?.powers ?? null
}
