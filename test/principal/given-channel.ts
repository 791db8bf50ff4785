import { Client } from 'pg'

/** Ends the connections that the instances listen on, again and again while `work` runs. */
export async function withoutChannel(databaseUrl: string, work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  const cut = () =>
    client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'tenantry listener'`,
    )
  let done = false
  const cutting = (async () => {
    while (!done) {
      await cut()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  try {
    await new Promise((resolve) => setTimeout(resolve, 100))
    await work()
  } finally {
    done = true
    await cutting
    await client.end()
  }
}
