import {
  buildSchema,
  execute,
  isObjectType,
  responsePathAsArray,
  type GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
} from 'graphql'
import { guardSchema, handVariables } from '../../src/access/guard.ts'
import { createPlanner } from '../../src/access/planner.ts'
import { refuses } from '../../src/access/plugin.ts'
import { createPolicy } from '../../src/access/policy.ts'
import { makePowers, type Powers } from '../../src/access/powers.ts'
import { intersectGrants } from '../../src/access/scopes.ts'
import { registry } from './fixture.ts'
import type { World } from './random-world.ts'
import type { Asked, Caller, Value, Verdict } from './reference.ts'

/** A schema with the server's access rules in force: its plan, and its guards. */
export type Engine = ReturnType<typeof givenEngine>

/** An operation, who asks for it, and what there is. */
export interface Case extends Omit<Asked, 'schema' | 'world'> {
  readonly operationName: string | null
  readonly world: World
  /** True when the guards are handed the variables as they came: only then they know a value from the schema's default. */
  readonly handsVariables: boolean
}

interface Context extends Case {
  principal: { powers: Powers } | null
  readonly served: Set<string>
}

/** Builds a schema whose fields give what there is in the world. */
export function givenEngine(sdl: string) {
  const schema = buildSchema(sdl)
  const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__'))
  for (const type of types as GraphQLObjectType<unknown, Context>[]) {
    for (const field of Object.values(type.getFields())) {
      field.resolve = resolveWith(type.name === 'Mutation' && String(field.type) === 'AuthPayload')
    }
  }
  const policy = createPolicy(schema, registry)
  guardSchema(schema, policy)
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) startAsCaller(field)
  return { schema, planner: createPlanner(policy) }
}

function resolveWith(isSignIn: boolean): GraphQLFieldResolver<unknown, Context> {
  return (_, __, context, info) => {
    const path = responsePathAsArray(info.path).join('.')
    context.served.add(path)
    if (isSignIn) context.principal = principalOf(context.signedIn)
    const value = objectsOf(context.world(info.returnType, path))
    return path.length % 3 === 0 ? Promise.resolve(value) : value
  }
}

function objectsOf(value: Value): unknown {
  if (typeof value !== 'string') return value?.map(objectsOf) ?? null
  return value === 'String' ? value : { __typename: value }
}

/** As the server does it: whoever one field of a mutation has signed in, the next one starts as the caller. */
function startAsCaller(field: { resolve?: GraphQLFieldResolver<unknown, Context> | undefined }): void {
  const { resolve } = field
  field.resolve = (source, args, context, info) => {
    context.principal = principalOf(context.caller)
    return resolve?.(source, args, context, info)
  }
}

/** What the plan says before anything runs. */
export function plannedVerdict({ planner }: Engine, { operation, caller, ...request }: Case): Omit<Verdict, 'served'> {
  const decision = planner.decide(request, powersOf(caller))
  const denied = decision.denials.map(
    ({ path, coordinate, viaAbstract }) => `${path.join('.')} ${coordinate}${viaAbstract ? '*' : ''}`,
  )
  return { denied: new Set(denied), refused: refuses(operation.operation, decision, false) }
}

/** What the guards let through by themselves, without a plan; and what they deny, as `path coordinate`. */
export async function guardedVerdict({ schema }: Engine, one: Case) {
  const { document, operation, operationName, variables: variableValues } = one
  const contextValue: Context = { ...one, principal: principalOf(one.caller), served: new Set() }
  if (one.handsVariables) handVariables(contextValue, operation, variableValues)
  const { errors = [] } = await execute({ schema, document, operationName, variableValues, contextValue })
  return { served: contextValue.served, denied: errors.map(deniedBy) }
}

const deniedBy = ({ path = [], message }: GraphQLError) => `${path.join('.')} ${message.replace(/ requires .*/, '')}`

function principalOf(caller: Caller | null): Context['principal'] {
  const powers = powersOf(caller)
  return powers && { powers }
}

function powersOf(caller: Caller | null): Powers | null {
  if (caller === null) return null
  const [first = [], ...others] = caller.grants
  const held = others.reduce<readonly string[]>((all, list) => intersectGrants(all, list), first)
  return makePowers(caller.kind, caller.role, held, registry)
}
