import { raw } from '@mikro-orm/sql'
import type { RowLoader } from '../context.ts'
import {
  alongside,
  conditions,
  connectionOf,
  pageOf,
  sorting,
  type Connection,
  type Ordering,
  type Page,
  type PageArguments,
  type Row,
} from './paging.ts'
import {
  apart,
  columnOf,
  filledIn,
  keyOf,
  shown,
  type Entity,
  type Properties,
  type Reader,
  type RowOf,
} from './select.ts'
import type { OrmQuery } from './compiled-statement.ts'
import type { Shape } from './shape.ts'
import { tenantRows } from './tenant-rows.ts'

/** The page that is asked for under one of several parents. */
export interface PageUnder {
  parentId: string
  args: PageArguments
  /** The properties that are needed of its rows; all, where none are named. */
  properties?: Properties
}

// Numbers need no quoting, and cursors, which a client can write anything into, are rare.
const pageKey = ({ args: { first, after, last, before }, properties = null }: Omit<PageUnder, 'parentId'>) =>
  after == null && before == null
    ? `${first} ${last} ${keyOf(properties)}`
    : JSON.stringify([first, after, last, before, properties])

/**
 * Pages of the current organization's rows under many parents: one statement for all parents that are asked for the same
 * page.
 * @param parent the property that holds the parent's id.
 * @throws ApiError BAD_USER_INPUT for a page that is none.
 */
export function pagesUnder<E extends Entity>(
  entity: E,
  parent: string,
  ordering: Ordering,
): RowLoader<PageUnder, Connection<RowOf<E>>> {
  return {
    cacheKey: (key) => `${key.parentId} ${pageKey(key)}`,
    async readMany(ctx, keys) {
      const connections: Connection<RowOf<E>>[] = []
      const asked = keys.map((key, at) => ({ ...key, at }))
      for (const [, group] of Map.groupBy(asked, pageKey)) {
        const ids = group.map(({ parentId }) => parentId)
        const { args = {}, properties = null } = group[0] ?? {}
        const pages = { entity, parent, page: pageOf(args, ordering), ordering, properties }
        const under = await readConnections(tenantRows(ctx), pages, ids)
        for (const { parentId, at } of group) connections[at] = under(parentId)
      }
      return connections
    },
  }
}

/** The same page under each parent. */
interface PagesUnder<E extends Entity> {
  entity: E
  /** The property that holds the parent's id. */
  parent: string
  page: Page
  ordering: Ordering
  properties: Properties
}

/**
 * The same page for each of several parents, in one statement, whatever their number.
 * @returns each parent's connection; `totalCount` of all of them together is one more statement.
 */
async function readConnections<E extends Entity>(
  read: Reader,
  pages: PagesUnder<E>,
  parentIds: readonly string[],
): Promise<(parentId: string) => Connection<RowOf<E>>> {
  const { entity, parent, page, ordering } = pages
  const found = (await read(pagesShape(pages, parentIds))) as (RowOf<E> & Row)[]
  const byParent = Map.groupBy(found, (row) => (row as Record<string, unknown>)[parent])
  const totals = countedOnce(read, entity, parent, parentIds)
  return (id) => connectionOf(byParent.get(id) ?? [], page, ordering, async () => (await totals()).get(id) ?? 0)
}

/** Stands for the parent while a page is compiled; it becomes each of them in turn. */
const THE_PARENT = '00000000-0000-4000-8000-fffffffffffe'

/** Under each parent its own page: as many short walks through an index as there are parents, however many rows those have. */
function pagesShape(
  { entity, parent, page, ordering, properties }: PagesUnder<Entity>,
  parentIds: readonly string[],
): Shape {
  const read = alongside(['id', parent, ordering.property], properties)
  const where = { $and: [...conditions({}, page, ordering), { [parent]: THE_PARENT }] }
  const { key, values } = apart(where)
  const order = sorting(page, ordering)
  return {
    key: `pages of ${entity.meta.className} ${keyOf(read)} ${key} ${Object.entries(order).join()}`,
    entity,
    values: [...values.slice(0, -1), String(page.size + 1), parentIds],
    async compile(em, standIns) {
      const query = em.createQueryBuilder(entity, 't').select(shown(em, entity, read))
      query.where(filledIn(where, [...standIns.slice(0, -2), THE_PARENT]))
      await query.applyFilters()
      const one = ofEachParent(query.orderBy({ ...order }).toQuery())
      const sorted = Object.entries(order).map(([property, direction]) => `page."${property}" ${direction}`)
      return {
        sql: `select page.* from unnest(?::uuid[]) as parent (id)
          cross join lateral (${one.sql} limit ?) as page order by ${sorted.join(', ')}`,
        params: [standIns.at(-1), ...one.params, standIns.at(-2)],
      }
    },
  }
}

/** The page of one parent, correlated. @throws Error where the parent's condition is not found exactly once */
function ofEachParent({ sql, params }: OrmQuery): OrmQuery {
  const at = params.indexOf(THE_PARENT)
  if (at === -1 || params.lastIndexOf(THE_PARENT) !== at) throw new Error(`The parent is not named once: ${sql}`)
  const pieces = sql.split('?')
  const [before, after] = [pieces.slice(0, at + 1).join('?'), pieces.slice(at + 1).join('?')]
  return { sql: `${before}parent.id${after}`, params: params.toSpliced(at, 1) }
}

function countedOnce(read: Reader, entity: Entity, parent: string, parentIds: readonly string[]) {
  let counted: Promise<Map<string, number>> | undefined
  return () => (counted ??= countedUnder(read, entity, parent, parentIds))
}

/** How many rows each of the parents has; those without any are left out. */
async function countedUnder(read: Reader, entity: Entity, parent: string, parentIds: readonly string[]) {
  const where = { [parent]: { $in: [...parentIds] } }
  const { key, values } = apart(where)
  const rows = await read({
    key: `count under ${entity.meta.className} ${key}`,
    entity,
    values,
    async compile(em, standIns) {
      const column = columnOf(em, entity, parent)
      const query = em.createQueryBuilder(entity, 't')
      query.select([raw(`"t"."${column}" as parent`), raw('count(*)::int as total')]).where(filledIn(where, standIns))
      await query.applyFilters()
      return query.groupBy(parent).toQuery()
    },
  })
  return new Map((rows as { parent: string; total: number }[]).map((row) => [row.parent, row.total]))
}
