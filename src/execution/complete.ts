import {
  defaultTypeResolver,
  isObjectType,
  type GraphQLAbstractType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import { executeFields, infoOf, isPromiseLike, pathOf, type Complete, type PreparedField } from './execute.ts'
import { giveUp } from './run.ts'

// Completing values, GraphQL §6.4.3, where nothing goes wrong.

/** Null where there is nothing. */
export function nullable(complete: Complete): Complete {
  return (run, value, field, key, above) =>
    value === null || value === undefined ? null : complete(run, value, field, key, above)
}

/** Where there is nothing, there is an error. */
export function nonNull(complete: Complete): Complete {
  return (run, value, field, key, above) =>
    value === null || value === undefined ? giveUp() : complete(run, value, field, key, above)
}

/** @param identical the `typeof` of values that are what `serialize` makes of them; null: none are */
export function leaf(type: GraphQLLeafType, identical: 'string' | 'boolean' | null): Complete {
  return (_run, value) => {
    if (typeof value === identical) return value
    if (value instanceof Error) return giveUp()
    return type.serialize(value) ?? giveUp()
  }
}

/** A list that is an array; graphql-js takes any iterable. */
export function list(complete: Complete): Complete {
  return (run, value, field, key, above) => {
    if (!Array.isArray(value)) return giveUp()
    const path = pathOf(field, key, above)
    const items: unknown[] = new Array(value.length)
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index]
      // After a failure too: whatever becomes of a promise, somebody has to hear it.
      if (isPromiseLike(item)) {
        run.wait(item, (settled) => {
          items[index] = complete(run, settled, field, index, path)
        })
      } else {
        run.attempt(() => {
          items[index] = complete(run, item, field, index, path)
        })
      }
    }
    return items
  }
}

/** An object of the type that has these fields. */
export function object(fields: readonly PreparedField[]): Complete {
  return (run, value, field, key, above) => {
    if (value instanceof Error) return giveUp()
    return executeFields(run, fields, value, pathOf(field, key, above))
  }
}

/** An object whose type is known when it is there. */
export function abstract(
  schema: GraphQLSchema,
  type: GraphQLAbstractType,
  prepare: (objectType: GraphQLObjectType) => readonly PreparedField[],
): Complete {
  const known = new Map<string, readonly PreparedField[]>()
  const fieldsOf = (name: string): readonly PreparedField[] => {
    const before = known.get(name)
    if (before) return before
    const objectType = schema.getType(name)
    if (!isObjectType(objectType) || !schema.isSubType(type, objectType)) return giveUp()
    const fields = prepare(objectType)
    known.set(name, fields)
    return fields
  }
  const resolveType = type.resolveType ?? defaultTypeResolver
  return (run, value, field, key, above) => {
    if (value instanceof Error) return giveUp()
    const path = pathOf(field, key, above)
    const name = resolveType(value, run.contextValue, infoOf(run, field, path), type)
    if (typeof name === 'string') return executeFields(run, fieldsOf(name), value, path)
    // Whatever becomes of it, nobody waits for it.
    if (isPromiseLike(name)) run.wait(name, giveUp)
    return giveUp()
  }
}
