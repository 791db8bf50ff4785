import { p } from '@mikro-orm/core'
import { v7 } from 'uuid'

/** A new UUIDv7: ids that are made later sort later, which keeps indexes dense. */
export const newId = (): string => v7()

/** The columns that every table has. Millisecond precision, so that a cursor made from a `Date` is exact. */
export const everyTable = {
  id: p.uuid().primary().onCreate(newId),
  createdAt: p
    .datetime(3)
    .onCreate(() => new Date())
    .defaultRaw('now()'),
  updatedAt: p
    .datetime(3)
    .onCreate(() => new Date())
    .onUpdate(() => new Date())
    .defaultRaw('now()'),
}

/** The mark of a soft-deleted row; see {@link liveRows}. */
export const softDeleted = { deletedAt: p.datetime(3).nullable() }

/** The filter that hides soft-deleted rows everywhere. */
export const liveRows = { live: { name: 'live', cond: { deletedAt: null }, default: true } }
