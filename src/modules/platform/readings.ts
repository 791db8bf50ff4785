import { getArgumentValues, getNamedType, isObjectType, Kind } from 'graphql'
import type { FieldNode, GraphQLObjectType, GraphQLResolveInfo } from 'graphql'
import { collectSubfields } from 'graphql/execution/collectFields.js'
import { rowId } from '../../input.ts'

/** What an operation reads through the operator door: the coordinates of the fields, and the ids that it asks for by name. */
export interface Reading {
  readonly fields: readonly string[]
  readonly ids: readonly string[]
}

/** The fields that read through the door, and no other: those below them show what these have read. */
const readsThroughTheDoor = (coordinate: string) =>
  coordinate.startsWith('Platform.') || coordinate === 'PlatformAuditEvent.organization'

/**
 * What the whole operation is going to read, under every alias of `platform`: known before the first row is, so that it can be
 * recorded first.
 */
export function readingOf(info: GraphQLResolveInfo): Reading {
  const fields = new Set<string>()
  const ids = new Set<string>()

  function visit(type: GraphQLObjectType, parents: readonly FieldNode[]): void {
    const selected = collectSubfields(info.schema, info.fragments, info.variableValues, type, parents)
    for (const nodes of selected.values()) {
      const [node] = nodes
      const field = node && type.getFields()[node.name.value]
      if (!node || !field) continue
      const coordinate = `${type.name}.${field.name}`
      if (readsThroughTheDoor(coordinate)) {
        fields.add(coordinate)
        const { id: one, organizationId } = getArgumentValues(field, node, info.variableValues)
        for (const id of [one, organizationId]) {
          // Only what is an id: an event holds nothing that a client typed freely.
          const known = typeof id === 'string' ? rowId(id) : null
          if (known) ids.add(known)
        }
      }
      const inner = getNamedType(field.type)
      if (isObjectType(inner)) visit(inner, nodes)
    }
  }

  // The operation's selection, as that of a field: the function that collects those resolves fragments and `@skip` in it.
  const { selectionSet } = info.operation
  visit(info.parentType, [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: 'platform' }, selectionSet }])
  return { fields: [...fields].sort(), ids: [...ids].sort() }
}
