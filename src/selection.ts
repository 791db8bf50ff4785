import {
  getNamedType,
  isObjectType,
  Kind,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql'
import type { Context } from './context.ts'
import type { Entity, Properties } from './database/select.ts'
import type { FeatureModule } from './modules.ts'

/** Where a field says, in its extensions, which properties of its object its resolver reads. */
const READS = 'reads'
const ANYTHING = 'anything'

type Resolve<Parent, Args, Result> = (parent: Parent, args: Args, ctx: Context, info: GraphQLResolveInfo) => Result

/** A resolver that reads these properties of its object and no others: a page need not read more for its sake. */
export function readingOnly<Parent, Args, Result, Property extends string & keyof Parent = never>(
  properties: readonly Property[],
  resolve: Resolve<Pick<Parent, Property>, Args, Result>,
): { resolve: Resolve<Parent, Args, Result> } {
  return { resolve, extensions: { [READS]: properties } } as { resolve: typeof resolve }
}

/** Marks the fields whose resolvers have not said what they read, in place. */
export function markReaders(schema: GraphQLSchema, modules: Iterable<FeatureModule>): void {
  for (const { resolvers } of modules) {
    for (const [name, fields] of Object.entries(resolvers)) {
      const type = schema.getType(name)
      if (!isObjectType(type)) continue
      for (const field of Object.keys(fields).map((each) => type.getFields()[each])) {
        if (field) field.extensions = { [READS]: ANYTHING, ...field.extensions }
      }
    }
  }
}

/** So many selections of an entity's properties are told apart; whoever asks for more of them is read everything. */
const MOST_SELECTIONS = 32

const known = new WeakMap<Entity, { byNode: WeakMap<FieldNode, Properties>; selections: Set<string> }>()

/**
 * The properties of a connection's rows that its selection shows, whatever is skipped or included of it. Null: all, because a
 * resolver below may read any.
 */
export function selectedProperties(info: GraphQLResolveInfo, entity: Entity): Properties {
  const [node, ...merged] = info.fieldNodes
  if (node === undefined || merged.length > 0) return null
  const ofEntity = known.get(entity) ?? { byNode: new WeakMap<FieldNode, Properties>(), selections: new Set<string>() }
  known.set(entity, ofEntity)
  const before = ofEntity.byNode.get(node)
  if (before !== undefined) return before
  const { selections } = ofEntity
  const found = propertiesOf(info, node, entity)
  const isKnown = found === null || selections.has(found.join()) || selections.size < MOST_SELECTIONS
  if (found !== null && isKnown) selections.add(found.join())
  const properties = isKnown ? found : null
  ofEntity.byNode.set(node, properties)
  return properties
}

function propertiesOf(info: GraphQLResolveInfo, node: FieldNode, entity: Entity): Properties {
  const connection = getNamedType(info.returnType)
  const rows = isObjectType(connection) ? getNamedType(connection.getFields().nodes?.type) : undefined
  if (!isObjectType(rows)) return null
  const found = new Set<string>()
  for (const field of fieldsOfRows(info, node)) {
    const read = propertiesOfField(rows, field.name.value, entity)
    if (read === null) return null
    for (const property of read) found.add(property)
  }
  return [...found].sort()
}

function propertiesOfField(type: GraphQLObjectType, name: string, entity: Entity): Properties {
  if (name === '__typename') return []
  const reads = type.getFields()[name]?.extensions[READS]
  if (Array.isArray(reads)) return reads as string[]
  return reads === undefined && name in entity.meta.properties ? [name] : null
}

/** What is selected under `nodes` and under `edges`' `node`. */
function fieldsOfRows(info: GraphQLResolveInfo, connection: FieldNode): FieldNode[] {
  const below = (nodes: readonly FieldNode[], name: string) =>
    nodes.filter((node) => node.name.value === name).flatMap((node) => fieldsIn(info, node.selectionSet))
  const fields = fieldsIn(info, connection.selectionSet)
  return [...below(fields, 'nodes'), ...below(below(fields, 'edges'), 'node')]
}

/** The fields of a selection, those of its fragments among them, whatever type these are for. */
function fieldsIn({ fragments }: GraphQLResolveInfo, set: SelectionSetNode | undefined): FieldNode[] {
  const seen = new Set<string>()
  const fieldsOf = (selections: SelectionSetNode['selections'] = []): FieldNode[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection]
      if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsOf(selection.selectionSet.selections)
      const { value } = selection.name
      if (seen.has(value)) return []
      seen.add(value)
      return fieldsOf(fragments[value]?.selectionSet.selections)
    })
  return fieldsOf(set?.selections)
}
