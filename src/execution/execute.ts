import type { GraphQLFieldResolver, GraphQLResolveInfo } from 'graphql'
import type { Path } from 'graphql/jsutils/Path.js'
import { giveUp, Run, type Data, type VariableValues } from './run.ts'

/** A field of a selection, with all that is the same each time it is executed. */
export interface PreparedField {
  readonly key: string
  readonly fieldName: string
  /** Null: the value is a property of the object. */
  readonly resolve: GraphQLFieldResolver<unknown, unknown> | null
  readonly argumentsOf: (variables: VariableValues) => Record<string, unknown>
  readonly info: Omit<GraphQLResolveInfo, 'path' | 'variableValues'>
  readonly complete: Complete
}

/**
 * Makes of a resolved value what is answered. The value stands at `key` (a name, or an index within a list) below `above`.
 * @throws Unusual where graphql-js would make an error of the value, or is to be asked; and what a serializer throws
 */
export type Complete = (
  run: Run,
  value: unknown,
  field: PreparedField,
  key: string | number,
  above: Path | undefined,
) => unknown

/** Executes the fields of a query's root. @returns null where graphql-js has to answer */
export function execute(
  fields: readonly PreparedField[],
  contextValue: unknown,
  variableValues: VariableValues,
): Promise<Data | null> | Data | null {
  const run = new Run(contextValue, variableValues)
  const data: Data = {}
  run.attempt(() => executeFields(run, fields, undefined, undefined, data))
  return run.outcome(data)
}

/**
 * Executes the fields of an object in their order. What has to be waited for is put in its place when it is there.
 * @throws Unusual, and whatever a resolver throws
 */
export function executeFields(
  run: Run,
  fields: readonly PreparedField[],
  source: unknown,
  path: Path | undefined,
  data: Data = {},
): Data {
  for (const field of fields) {
    const { key } = field
    const value = field.resolve === null ? property(run, field, source, path) : resolve(run, field, source, path)
    if (isPromiseLike(value)) {
      data[key] = null
      run.wait(value, (settled) => {
        data[key] = field.complete(run, settled, field, key, path)
      })
    } else {
      data[key] = field.complete(run, value, field, key, path)
    }
  }
  return data
}

function resolve(run: Run, field: PreparedField, source: unknown, path: Path | undefined): unknown {
  const info = infoOf(run, field, pathOf(field, field.key, path))
  return field.resolve?.(source, field.argumentsOf(run.variableValues), run.contextValue, info)
}

/** What graphql-js's default resolver finds: a property, or what a method of that name answers. */
function property(run: Run, field: PreparedField, source: unknown, path: Path | undefined): unknown {
  if (typeof source === 'function') return giveUp()
  if (typeof source !== 'object' || source === null) return undefined
  const { fieldName, argumentsOf } = field
  const value = (source as Data)[fieldName]
  if (typeof value !== 'function') return value
  const info = infoOf(run, field, pathOf(field, field.key, path))
  return (value as Method).call(source, argumentsOf(run.variableValues), run.contextValue, info)
}

type Method = (args: unknown, contextValue: unknown, info: GraphQLResolveInfo) => unknown

/** The path to a value, as graphql-js has it. */
export function pathOf({ info }: PreparedField, key: string | number, above: Path | undefined): Path {
  return { prev: above, key, typename: typeof key === 'string' ? info.parentType.name : undefined }
}

/** What graphql-js tells resolvers. */
export function infoOf({ variableValues }: Run, { info }: PreparedField, path: Path): GraphQLResolveInfo {
  const { fieldName, fieldNodes, returnType, parentType, schema, fragments, rootValue, operation } = info
  return {
    fieldName,
    fieldNodes,
    returnType,
    parentType,
    path,
    schema,
    fragments,
    rootValue,
    operation,
    variableValues,
  }
}

/** As graphql-js tells a promise. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
}
