import { randomUUID } from 'node:crypto'
import { Client } from 'pg'

/** The PostgreSQL server that the suite runs on; without one, each test server has an embedded database in memory. */
export const POSTGRES_URL = process.env.DATABASE_URL

/** The variable that names the database that migrated ones are copies of: global-setup.js. */
export const TEMPLATE = 'TENANTRY_TEST_TEMPLATE'

/** A database on the PostgreSQL server. */
export interface OwnDatabase {
  name: string
  url: string
  drop: () => Promise<void>
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: POSTGRES_URL })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Makes an empty database on the PostgreSQL server. */
export const createDatabase = (): Promise<OwnDatabase> => create('')

/** The same, with what all migrations make: a copy of the run's template, where there is one. */
export function createMigratedDatabase(): Promise<OwnDatabase> {
  const template = process.env[TEMPLATE]
  return create(template ? `template ${template}` : '')
}

async function create(from: string): Promise<OwnDatabase> {
  const name = `tenantry_test_${randomUUID().replaceAll('-', '')}`
  await onServer(`create database ${name} ${from}`)
  const url = new URL(POSTGRES_URL ?? '')
  url.pathname = `/${name}`
  return { name, url: url.href, drop: () => dropDatabase(name) }
}

/** Drops a database, whoever is connected to it. */
export const dropDatabase = (name: string): Promise<void> => onServer(`drop database if exists ${name} with (force)`)
