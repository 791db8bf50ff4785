import type { EntitySchema, InferEntity } from '@mikro-orm/core'
import { raw, type EntityManager, type QueryBuilder } from '@mikro-orm/sql'
import type { OrmQuery, Value } from './compiled-statement.ts'
import type { Shape } from './shape.ts'

export type Entity = EntitySchema
export type RowOf<E extends Entity> = InferEntity<E>

/** A condition of the ORM's, of strings, dates, lists under `$in`, null and what is always the same. */
export type Where = Record<string, unknown>

/** The properties that are read of rows; null: all that the serving role may read. */
export type Properties = readonly string[] | null

/** Rows of one entity, read as plain rows: what is only shown needs neither the identity map nor change tracking. */
export interface Selection<E extends Entity> {
  readonly entity: E
  readonly where: Where
  readonly orderBy?: Readonly<Record<string, 'ASC' | 'DESC'>>
  /** At most as many. */
  readonly limit?: number
  readonly properties?: Properties
}

/** Answers questions within the operation's transaction, through one door: `rows.select` bound to it. */
export type Reader = (shape: Shape) => Promise<unknown[]>

/** The rows of a selection. */
export async function selectRows<E extends Entity>(read: Reader, selection: Selection<E>): Promise<RowOf<E>[]> {
  return (await read(shapeOf(selection))) as RowOf<E>[]
}

/** How many rows fit a condition. */
export async function countRows(read: Reader, entity: Entity, where: Where): Promise<number> {
  const { key, values } = apart(where)
  const [row] = await read({
    key: `count ${entity.meta.className} ${key}`,
    entity,
    values,
    async compile(em, standIns) {
      const query = em.createQueryBuilder(entity, 't').select(raw('count(*)::int as total'))
      return (await filtered(query, filledIn(where, standIns))).toQuery()
    },
  })
  return (row as { total: number }).total
}

function shapeOf<E extends Entity>({ entity, where, orderBy, limit, properties = null }: Selection<E>): Shape {
  const { key, values } = apart(where)
  const sorted = orderBy ? Object.entries(orderBy).join() : ''
  return {
    key: `${entity.meta.className} ${keyOf(properties)} ${key} ${sorted} ${limit === undefined ? '' : 'limited'}`,
    entity,
    values: limit === undefined ? values : [...values, String(limit)],
    async compile(em, standIns) {
      const query = em.createQueryBuilder(entity, 't').select(shown(em, entity, properties))
      await filtered(query, filledIn(where, standIns))
      if (orderBy) query.orderBy({ ...orderBy })
      return limit === undefined ? query.toQuery() : limited(query.toQuery(), standIns)
    },
  }
}

/** What tells statements apart that read different properties. */
export const keyOf = (properties: Properties): string => properties?.join() ?? '*'

/** What is read of a row: nothing that is lazy, which the serving role may not be allowed to read. */
export function shown(em: EntityManager, entity: Entity, properties: Properties) {
  return em
    .getMetadata()
    .get(entity)
    .props.filter(({ lazy, persist }) => !lazy && persist !== false)
    .filter(({ name }) => properties?.includes(name) ?? true)
    .map(({ name, fieldNames }) => raw(`"t"."${fieldNames[0]}" as "${name}"`))
}

/** The column of a property. @throws Error where there is none */
export function columnOf(em: EntityManager, entity: Entity, property: string): string {
  const column = em
    .getMetadata()
    .get(entity)
    .props.find(({ name }) => name === property)?.fieldNames[0]
  if (!column) throw new Error(`${entity.meta.className} has no property ${property}`)
  return column
}

async function filtered(query: QueryBuilder<object>, where: Where): Promise<QueryBuilder<object>> {
  query.where(where)
  await query.applyFilters()
  return query
}

/** The last value is the limit. A row more than a number of a client would be a plan of its own, were it part of the text. */
function limited({ sql, params }: OrmQuery, values: readonly Value[]): OrmQuery {
  return { sql: `${sql} limit ?`, params: [...params, values.at(-1)] }
}

const isValue = (part: unknown, key: string): part is Value =>
  typeof part === 'string' || part instanceof Date || (part instanceof Array && key === '$in')

/**
 * A condition apart from its values: those in order, and a key that is the same for all conditions of its form.
 * @throws Error where a part of it is undefined
 */
export function apart(where: Where): { key: string; values: Value[] } {
  const values: Value[] = []
  const key = JSON.stringify(where, function (name, part: unknown) {
    // JSON has made a text of a date by now.
    const given = (this as Record<string, unknown>)[name]
    // It would be missing from the key, and the statement be that of another condition.
    if (given === undefined) throw new Error(`A condition on ${name} is undefined`)
    if (!isValue(given, name)) return part
    values.push(given)
    return given instanceof Date ? '@' : given instanceof Array ? '[?]' : '?'
  })
  return { key, values }
}

/** The same condition with other values. */
export function filledIn(where: Where, values: readonly Value[]): Where {
  let next = 0
  const filled = (part: unknown, key: string): unknown => {
    if (isValue(part, key)) return values[next++]
    if (part instanceof Array) return part.map((each) => filled(each, ''))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, filled(each, name)]))
  }
  return filled(where, '') as Where
}
