import { Client } from 'pg'
import type { Database } from '../../src/database/database.ts'
import { roles } from '../../src/database/roles.ts'
import { pgliteOf, type Row } from '../database/given-database.ts'

/** Runs statements as the serving role, whose rows are those of the tenant that the transaction names. */
export interface Runner {
  /** @param tenant null: the transaction names none */
  asServer(tenant: string | null, sql: string, values: unknown[]): Promise<Row[]>
  end(): Promise<void>
}

const NAME_TENANT = `select set_config('mikro.tenant.organizationId', $1, true)`

/** A connection of its own; on the embedded engine the only one, for the length of a transaction. */
export async function givenRunner(database: Database, url: string | undefined): Promise<Runner> {
  if (!url) {
    const pglite = await pgliteOf(database)
    return {
      asServer: (tenant, sql, values) =>
        pglite.transaction(async (transaction) => {
          if (tenant !== null) await transaction.query(NAME_TENANT, [tenant])
          return (await transaction.query<Row>(sql, values)).rows
        }),
      end: async () => {},
    }
  }
  const client = new Client({ connectionString: url, options: `-c role=${roles.server}` })
  await client.connect()
  return {
    async asServer(tenant, sql, values) {
      await client.query('begin')
      try {
        if (tenant !== null) await client.query(NAME_TENANT, [tenant])
        return (await client.query<Row>(sql, values)).rows
      } finally {
        await client.query('rollback')
      }
    },
    end: () => client.end(),
  }
}
