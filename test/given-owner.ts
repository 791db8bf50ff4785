import type { PGlite } from '@electric-sql/pglite'
import { Client } from 'pg'
import type { Database } from '../src/database/database.ts'

export type Row = Record<string, any>

/** The PGlite behind an embedded database. */
export async function pgliteOf(database: Database): Promise<PGlite> {
  const connection = database.orm.em.getConnection() as unknown as { getNativeClient(): Promise<PGlite> }
  return connection.getNativeClient()
}

/** The owner of the tables: on the embedded engine the same connection, for the length of a transaction. */
export async function ownerOf(database: Database, url: string | undefined) {
  if (!url) {
    const pglite = await pgliteOf(database)
    const run = (sql: string, parameters: unknown[] = []): Promise<Row[]> =>
      pglite.transaction(async (transaction) => {
        await transaction.exec('set local role postgres')
        return (await transaction.query<Row>(sql, parameters)).rows
      })
    return { run, end: async () => {} }
  }
  const client = new Client({ connectionString: url })
  await client.connect()
  const run = async (sql: string, parameters: unknown[] = []): Promise<Row[]> =>
    (await client.query<Row>(sql, parameters)).rows
  return { run, end: () => client.end() }
}
