import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** The database that a run makes for itself. */
export interface BenchDatabase {
  name: string
  /** As the owner, who sees every row. */
  ownerUrl: string
  /** As a login that owns nothing: what production asks for. */
  servingUrl: string
  /** As the owner, open for as long as the run is. */
  client: Client
  drop(): Promise<void>
}

/** Of this run alone: another may be measuring on the same PostgreSQL. */
const NAME = `tenantry_bench_${process.pid}`
const LOGIN = `${NAME}_app`

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

const removal = [`drop database if exists ${NAME} with (force)`, `drop role if exists ${LOGIN}`]

/** Makes an empty database on the PostgreSQL server, in the place of one that a run with the same number has left. */
export async function makeDatabase(databaseUrl: string): Promise<BenchDatabase> {
  const password = randomBytes(24).toString('hex')
  // Made before the migration finds it missing: this program knows its password.
  const login = `create role ${LOGIN} login noinherit password '${password}'`
  await onServer(databaseUrl, [...removal, `create database ${NAME}`, login])
  const ownerUrl = urlOf(databaseUrl, () => {})
  const client = new Client({ connectionString: ownerUrl, application_name: 'bench' })
  await client.connect()
  return {
    name: NAME,
    ownerUrl,
    servingUrl: urlOf(databaseUrl, (url) => Object.assign(url, { username: LOGIN, password })),
    client,
    async drop() {
      await client.end()
      await onServer(databaseUrl, removal)
    },
  }
}
