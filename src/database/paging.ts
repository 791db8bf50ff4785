import { badUserInput } from '../errors.ts'
import { countRows, selectRows, type Entity, type Properties, type Reader, type RowOf, type Where } from './select.ts'

export const PAGE_SIZE = 50
export const PAGE_SIZE_MAX = 100

/** The arguments of a connection field, as a client gives them. */
export interface PageArguments {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}

/** What a connection is sorted by: a property of the rows, with ties broken by id. */
export interface Ordering {
  property: string
  direction: 'ASC' | 'DESC'
}

/** What clients can order by, and the properties that stand for it: no value of a client ever names a column. */
const PROPERTY_OF = { CREATED_AT: 'createdAt', NAME: 'name' } as const

/** The ordering that a client asks for; by creation unless it asks for one. */
export function orderingOf(
  orderBy: { field: keyof typeof PROPERTY_OF; direction: Ordering['direction'] } | null | undefined,
): Ordering {
  return orderBy ? { property: PROPERTY_OF[orderBy.field], direction: orderBy.direction } : byCreation
}

/** Creation order: ids are UUIDv7, and `(organization_id, id)` is an index of every table that is listed in it. */
export const byCreation: Ordering = { property: 'id', direction: 'ASC' }

/** One page of rows. The cursors, edges and total are made only when a client selects them. */
export interface Connection<Row> {
  nodes: readonly Row[]
  pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor(): string | null
    endCursor(): string | null
  }
  edges(): { cursor: string; node: Row }[]
  totalCount(): Promise<number>
}

export interface Row {
  id: string
}

export interface Page {
  size: number
  backward: boolean
  after: Position | null
  before: Position | null
}
/** Where a row stands in an ordering: the value that it is sorted by, and its id. */
interface Position {
  value: string
  id: string
}

function sizeOf(name: 'first' | 'last', size: number): number {
  if (size >= 0 && size <= PAGE_SIZE_MAX) return size
  throw badUserInput({ path: [name], reason: `must be from 0 to ${PAGE_SIZE_MAX}` })
}

/**
 * Checks the arguments of a connection for an ordering.
 * @throws ApiError BAD_USER_INPUT for sizes out of bounds, `first` together with `last`, and a cursor that is not one of
 * this connection in this ordering.
 */
export function pageOf(args: PageArguments, ordering: Ordering): Page {
  const { first, last, after, before } = args
  if (first != null && last != null) {
    throw badUserInput({ path: ['last'], reason: 'cannot be given together with first' })
  }
  return {
    size: last != null ? sizeOf('last', last) : sizeOf('first', first ?? PAGE_SIZE),
    backward: last != null,
    after: after == null ? null : positionOf('after', after, ordering),
    before: before == null ? null : positionOf('before', before, ordering),
  }
}

/** Opaque to clients: the ordering's property, the row's value in it and the row's id. */
function cursorOf(row: Row, { property }: Ordering): string {
  const value = (row as unknown as Record<string, unknown>)[property]
  const text = value instanceof Date ? value.toISOString() : String(value)
  return Buffer.from(JSON.stringify([property, text, row.id])).toString('base64url')
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const INSTANT = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const isInstant = (text: string) =>
  INSTANT.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text

function positionOf(name: 'after' | 'before', cursor: string, { property }: Ordering): Position {
  // Made where it is thrown: the stack of an error costs more than the rest of reading a cursor.
  const refused = () => badUserInput({ path: [name], reason: 'is not a cursor of this connection in this order' })
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw refused()
  }
  if (!Array.isArray(parts) || parts.length !== 3 || !parts.every((part) => typeof part === 'string')) throw refused()
  const [ofProperty, value, id] = parts as [string, string, string]
  if (ofProperty !== property || !UUID.test(id) || value.includes('\0') || !value.isWellFormed()) throw refused()
  if (property === 'id' && value !== id) throw refused()
  if (property.endsWith('At') && !isInstant(value)) throw refused()
  return { value, id }
}

/**
 * The rows beyond a position, in the direction in which `operator` compares. The first condition alone is one that an index
 * can start from; a plain "or" is read from the beginning.
 */
function beyond({ value, id }: Position, { property }: Ordering, operator: '$gt' | '$lt'): Where {
  if (property === 'id') return { id: { [operator]: id } }
  const typed = property.endsWith('At') ? new Date(value) : value
  return {
    [property]: { [`${operator}e`]: typed },
    $or: [{ [property]: { [operator]: typed } }, { id: { [operator]: id } }],
  }
}

export function conditions(where: Where, page: Page, ordering: Ordering): Where[] {
  const [later, earlier] = ordering.direction === 'ASC' ? (['$gt', '$lt'] as const) : (['$lt', '$gt'] as const)
  return [
    where,
    ...(page.after ? [beyond(page.after, ordering, later)] : []),
    ...(page.before ? [beyond(page.before, ordering, earlier)] : []),
  ]
}

export function sorting(page: Page, { property, direction }: Ordering): Record<string, 'ASC' | 'DESC'> {
  const sought = page.backward ? (direction === 'ASC' ? 'DESC' : 'ASC') : direction
  return property === 'id' ? { id: sought } : { [property]: sought, id: sought }
}

/** Makes the connection of rows that were read in the sought order, one more than the page holds. */
export function connectionOf<R extends Row>(
  rows: R[],
  page: Page,
  ordering: Ordering,
  totalCount: () => Promise<number>,
): Connection<R> {
  const more = rows.length > page.size
  const nodes = more ? rows.slice(0, page.size) : rows
  if (page.backward) nodes.reverse()
  const cursorAt = (at: number) => {
    const row = nodes.at(at)
    return row ? cursorOf(row, ordering) : null
  }
  return {
    nodes,
    pageInfo: {
      hasNextPage: page.backward ? page.before !== null : more,
      hasPreviousPage: page.backward ? more : page.after !== null,
      startCursor: () => cursorAt(0),
      endCursor: () => cursorAt(-1),
    },
    edges: () => nodes.map((node) => ({ cursor: cursorOf(node, ordering), node })),
    totalCount,
  }
}

/** With what every page needs of its rows. */
export const alongside = (needed: readonly string[], properties: Properties): Properties =>
  properties && [...new Set([...needed, ...properties])]

/** A page of an entity's rows, which have at least the properties. */
export async function readConnection<E extends Entity>(
  read: Reader,
  entity: E,
  where: Where,
  page: Page,
  ordering: Ordering,
  properties: Properties = null,
): Promise<Connection<RowOf<E>>> {
  const rows = await selectRows(read, {
    entity,
    where: { $and: conditions(where, page, ordering) },
    orderBy: sorting(page, ordering),
    limit: page.size + 1,
    properties: alongside(['id', ordering.property], properties),
  })
  return connectionOf(rows as (RowOf<E> & Row)[], page, ordering, () => countRows(read, entity, where))
}
