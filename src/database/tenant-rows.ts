import { LockMode, type EntitySchema, type InferEntity } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import type { Context, RowLoader } from '../context.ts'
import { notFound } from '../errors.ts'
import { rowId } from '../input.ts'
import { selectRows, type Reader } from './select.ts'

/** Reads the current organization's rows. */
export const tenantRows =
  (ctx: Context): Reader =>
  (shape) =>
    ctx.rows.select('tenant', shape)

/** Reads what sign-in and self-service may see across organizations: the caller says which rows are the principal's. */
export const authenticationRows =
  (ctx: Context): Reader =>
  (shape) =>
    ctx.rows.select('authentication', shape)

/** The rows in the order of their ids; null for an id without one. */
export function inOrderOf<Row extends { id: string }>(ids: readonly string[], rows: readonly Row[]): (Row | null)[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => byId.get(id) ?? null)
}

/**
 * A loader of rows of the current organization by ids as clients give them: null where it has none, whoever may have a row
 * with this id.
 */
export function rowsById<E extends EntitySchema>(entity: E): RowLoader<string, InferEntity<E> | null> {
  return {
    async readMany(ctx, given) {
      const ids = given.map((id) => rowId(id) ?? '')
      const known = ids.filter((id) => id !== '')
      if (known.length === 0) return given.map(() => null)
      const rows = await selectRows(tenantRows(ctx), { entity, where: { id: { $in: known } } })
      return inOrderOf(ids, rows as (InferEntity<E> & { id: string })[])
    },
  }
}

/**
 * A row of the current organization to be changed, or referred to, in this transaction: it cannot be deleted before the
 * transaction has ended.
 * @throws ApiError NOT_FOUND
 */
export async function lockRow<E extends EntitySchema>(
  em: EntityManager,
  entity: E,
  given: string,
): Promise<InferEntity<E>> {
  const id = rowId(given)
  const row: unknown = id && (await em.findOne(entity, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE }))
  if (!row) throw notFound(entity.meta.className)
  return row as InferEntity<E>
}
