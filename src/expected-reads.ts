import { Kind, TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type GraphQLSchema } from 'graphql'
import type { FeatureModule } from './modules.ts'

/** How many statements a document reads rows by, at most: its transaction can end with the last of them. Null: nobody knows. */
export type ExpectedReads = (document: DocumentNode) => number | null

/** The fields that the features resolve, any of which may read rows, and the totals of pages. */
function readersOf(modules: readonly FeatureModule[]): ReadonlySet<string> {
  const coordinates = modules.flatMap(({ resolvers }) =>
    Object.entries(resolvers).flatMap(([type, fields]) => Object.keys(fields).map((name) => `${type}.${name}`)),
  )
  return new Set(coordinates)
}

/**
 * Makes the question how often a document reads. A field right under `Query` is resolved once, so if no other may read that is one
 * statement; and another below it is one more, since what it reads for all of a page is read together. Answers are kept for as
 * long as the document is.
 */
export function expectedReads(schema: GraphQLSchema, modules: readonly FeatureModule[]): ExpectedReads {
  const readers = readersOf(modules)
  const known = new WeakMap<DocumentNode, number | null>()
  const mayRead = (type: string, field: string) =>
    readers.has(`${type}.${field}`) || (field === 'totalCount' && type.endsWith('Connection'))

  function count(document: DocumentNode): number | null {
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
    if (underQuery !== 1 || elsewhere > 1) return null
    // Of a field in a fragment nobody knows in how many places it is.
    const hasFragments = document.definitions.some(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
    return elsewhere === 0 ? 1 : hasFragments ? null : 2
  }

  return (document) => {
    const before = known.get(document)
    if (before !== undefined) return before
    const reads = count(document)
    known.set(document, reads)
    return reads
  }
}
