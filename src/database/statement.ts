import { CompiledQuery } from 'kysely'
import type { Database } from './database.ts'
import { secondsSince } from './watch.ts'

/** A statement with its values, in the manner of `pg`: `$1` stands for the first of them. */
export interface Statement {
  readonly text: string
  readonly values?: readonly unknown[]
}

/**
 * Runs one statement by itself, as the serving role and for no tenant: whatever belongs to one answers with an error. For
 * tables that are nobody's. It takes a connection of its own, so the caller must hold none.
 */
export async function runStatement({ orm, watch }: Database, { text, values = [] }: Statement) {
  const started = performance.now()
  let failed = true
  try {
    const { rows } = await orm.em
      .getConnection()
      .getClient()
      .executeQuery(CompiledQuery.raw(text, [...values]))
    failed = false
    return { rows, rowCount: rows.length }
  } finally {
    watch.statements([text], secondsSince(started), failed)
  }
}
