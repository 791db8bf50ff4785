import { raw, type EntityManager } from '@mikro-orm/sql'
import type { RowLoader } from '../context.ts'
import {
  conditions,
  connectionOf,
  pageOf,
  sorting,
  type Connection,
  type Entity,
  type Ordering,
  type Page,
  type PageArguments,
  type Reading,
  type Row,
  type RowOf,
} from './paging.ts'
import { tenantRows } from './tenant-rows.ts'

/** The page that is asked for under one of several parents. */
export interface PageUnder {
  parentId: string
  args: PageArguments
}

const pageKey = ({ first, after, last, before }: PageArguments) => JSON.stringify([first, after, last, before])

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
    cacheKey: ({ parentId, args }) => `${parentId} ${pageKey(args)}`,
    async readMany(ctx, keys) {
      const connections: Connection<RowOf<E>>[] = []
      const asked = keys.map((key, at) => ({ ...key, at }))
      for (const [, group] of Map.groupBy(asked, ({ args }) => pageKey(args))) {
        const ids = group.map(({ parentId }) => parentId)
        const page = pageOf(group[0]?.args ?? {}, ordering)
        const under = await readConnections(tenantRows(ctx), entity, parent, ids, page, ordering)
        for (const { parentId, at } of group) connections[at] = under(parentId)
      }
      return connections
    },
  }
}

/**
 * The same page for each of several parents, in one statement, whatever their number.
 * @returns each parent's connection; `totalCount` of all of them together is one more statement.
 */
async function readConnections<E extends Entity>(
  read: Reading,
  entity: E,
  parent: string,
  parentIds: readonly string[],
  page: Page,
  ordering: Ordering,
): Promise<(parentId: string) => Connection<RowOf<E>>> {
  const children = { [parent]: { $in: [...parentIds] } }
  const found = (await read(async (em) => {
    const rank = em.getPlatform().formatQuery(
      `row_number() over (partition by ?? order by ${Object.entries(sorting(page, ordering))
        .map(([property, direction]) => `"t"."${columnOf(em, entity, property)}" ${direction}`)
        .join(', ')})`,
      [`t.${columnOf(em, entity, parent)}`],
    )
    const ranked = em
      .createQueryBuilder(entity, 't')
      .select(['*', raw(`${rank} as rank_in_parent`)])
      .where({ $and: conditions(children, page, ordering) })
    await ranked.applyFilters()
    return em
      .createQueryBuilder(entity, 'p')
      .select('*')
      .from(ranked, 'p')
      .where(raw(`rank_in_parent <= ${page.size + 1}`))
      .orderBy({ [raw('rank_in_parent')]: 'asc' })
      .execute('all')
  })) as (RowOf<E> & Row)[]
  const byParent = Map.groupBy(found, (row) => (row as Record<string, unknown>)[parent])
  const totals = countedOnce(read, entity, parent, parentIds)
  return (id) => connectionOf(byParent.get(id) ?? [], page, ordering, async () => (await totals()).get(id) ?? 0)
}

function columnOf(em: EntityManager, entity: Entity, property: string): string {
  const column = em.getMetadata().get(entity).properties[property as never] as { fieldNames: string[] } | undefined
  const name = column?.fieldNames[0]
  if (!name) throw new Error(`There is no property ${property} to sort or group by`)
  return name
}

function countedOnce(read: Reading, entity: Entity, parent: string, parentIds: readonly string[]) {
  let counted: Promise<Map<string, number>> | undefined
  return () =>
    (counted ??= read(async (em) => {
      const query = em
        .createQueryBuilder(entity, 't')
        .select([parent, raw('count(*)::int as total')])
        .where({ [parent]: { $in: [...parentIds] } })
      await query.applyFilters()
      const rows = (await query.groupBy(parent).execute('all')) as unknown as Record<string, unknown>[]
      return new Map(rows.map((row) => [row[parent] as string, row.total as number]))
    }))
}
