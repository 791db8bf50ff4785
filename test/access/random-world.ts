import { createHash } from 'node:crypto'
import {
  getNamedType,
  isAbstractType,
  isListType,
  isNonNullType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql'
import type { Asked, Value } from './reference.ts'

export type World = NonNullable<Asked['world']>

/** What the fields of a schema give: of each path another thing, and the same each time. */
export function randomWorld(schema: GraphQLSchema, seed: number): World {
  const draw = (end: number, path: string, what: string) =>
    createHash('md5').update(`${seed} ${path} ${what}`).digest().readUInt16LE() % end
  return function valueAt(type: GraphQLOutputType, path: string): Value {
    if (isNonNullType(type)) return valueAt(type.ofType, path)
    if (draw(8, path, 'null') === 7) return null
    if (isListType(type)) {
      return Array.from({ length: draw(4, path, 'length') }, (_, at) => valueAt(type.ofType, `${path}.${at}`))
    }
    const named = getNamedType(type)
    if (!isAbstractType(named)) return named.name
    const possible = schema.getPossibleTypes(named)
    return possible[draw(Math.max(possible.length, 1), path, 'type')]?.name ?? null
  }
}
