import { TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type GraphQLSchema } from 'graphql'
import type { FeatureModule } from './modules.ts'

/** Which operations read rows once, at most: their transaction can end with what they read. */
export type ReadsOnce = (document: DocumentNode) => boolean

/** The fields that the features resolve, any of which may read rows, and the totals of pages. */
function readersOf(modules: readonly FeatureModule[]): ReadonlySet<string> {
  const coordinates = modules.flatMap(({ resolvers }) =>
    Object.entries(resolvers).flatMap(([type, fields]) => Object.keys(fields).map((name) => `${type}.${name}`)),
  )
  return new Set(coordinates)
}

/**
 * Makes the question whether a document has a single field that may read, and that right under `Query`: there it is resolved
 * once. Answers are kept for as long as the document is.
 */
export function singleReads(schema: GraphQLSchema, modules: readonly FeatureModule[]): ReadsOnce {
  const readers = readersOf(modules)
  const known = new WeakMap<DocumentNode, boolean>()
  const mayRead = (type: string, field: string) =>
    readers.has(`${type}.${field}`) || (field === 'totalCount' && type.endsWith('Connection'))

  function count(document: DocumentNode): boolean {
    const info = new TypeInfo(schema)
    const query = schema.getQueryType()?.name
    let [underQuery, elsewhere] = [0, 0]
    const Field = () => {
      const [type, field] = [info.getParentType()?.name, info.getFieldDef()?.name]
      if (type === undefined || field === undefined || !mayRead(type, field)) return
      if (type === query) underQuery += 1
      else elsewhere += 1
    }
    visit(document, visitWithTypeInfo(info, { Field }))
    return underQuery === 1 && elsewhere === 0
  }

  return (document) => {
    const before = known.get(document)
    if (before !== undefined) return before
    const once = count(document)
    known.set(document, once)
    return once
  }
}
