import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** The database that a run makes for itself. */
export interface BenchDatabase {
  /** As the owner, who sees every row. */
  ownerUrl: string
  /** As a login that owns nothing: what production asks for. */
  servingUrl: string
  /** As the owner, open for as long as the run is. */
  client: Client
  drop(): Promise<void>
}

const NAME = 'tenantry_bench'
const LOGIN = 'tenantry_bench_app'

async function onServer(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

function urlOf(databaseUrl: string, change: (url: URL) => void): string {
  const url = new URL(databaseUrl)
  url.pathname = `/${NAME}`
  change(url)
  return url.href
}

/** Makes an empty database on the PostgreSQL server, in the place of one that an earlier run has left. */
export async function makeDatabase(databaseUrl: string): Promise<BenchDatabase> {
  const password = randomBytes(24).toString('hex')
  // Taken before the migration finds it missing: an earlier run's has another password.
  const login = `do $$ begin create role ${LOGIN} login noinherit; exception when duplicate_object then null; end $$`
  await onServer(databaseUrl, [
    `drop database if exists ${NAME} with (force)`,
    `create database ${NAME}`,
    ...[login, `alter role ${LOGIN} password '${password}'`],
  ])
  const ownerUrl = urlOf(databaseUrl, () => {})
  const client = new Client({ connectionString: ownerUrl, application_name: 'bench' })
  await client.connect()
  return {
    ownerUrl,
    servingUrl: urlOf(databaseUrl, (url) => Object.assign(url, { username: LOGIN, password })),
    client,
    async drop() {
      await client.end()
      await onServer(databaseUrl, [`drop database if exists ${NAME} with (force)`, `drop role if exists ${LOGIN}`])
    },
  }
}
