import { PGlite } from '@electric-sql/pglite'
import { MikroORM } from '@mikro-orm/pglite'
import { pino } from 'pino'
import { loadModules } from '../modules.ts'
import { entitiesOf } from '../pipeline-entities.ts'
import type { Entities } from './entities.ts'
import { applyMigrations } from './migrate.ts'
import { ormOptions } from './orm-options.ts'

type Orm = Awaited<ReturnType<typeof MikroORM.init>>

/** The foreign keys that hold references within one organization; the ORM does not know them, and would drop them. */
const COMPOSITE_DROPPED = /drop constraint (if exists )?"\w+_same_organization"$/

/** What the ORM would change to make the migrated database that of the entities. */
async function differencesOf(orm: Orm): Promise<string[]> {
  const sql = await orm.schema.getUpdateSchemaSQL({ wrap: false })
  return sql
    .split(/;\s*\n/)
    .map((statement) => statement.trim().replace(/;$/, ''))
    .filter((statement) => statement !== '' && !COMPOSITE_DROPPED.test(statement))
}

interface Reference {
  table: string
  column: string
  target: string
}

/** The references between tables of tenants: each must be held by a foreign key that names the organization too. */
function tenantReferences(orm: Orm): Reference[] {
  const owned = [...orm.getMetadata()].filter(
    (meta) => 'organizationId' in meta.properties && Object.hasOwn(meta.filters, 'tenant'),
  )
  const tables = new Set(owned.map((meta) => meta.tableName))
  return owned.flatMap(({ tableName, relations }) =>
    relations.flatMap(({ targetMeta, fieldNames: [column] }) =>
      targetMeta && tables.has(targetMeta.tableName) && column
        ? [{ table: tableName, column, target: targetMeta.tableName }]
        : [],
    ),
  )
}

/** The references between tables of tenants that could cross from one organization to another. */
async function crossingsOf(orm: Orm, pglite: PGlite): Promise<string[]> {
  const { rows: keys } = await pglite.query<{ table: string; definition: string }>(
    `select conrelid::regclass::text as "table", pg_get_constraintdef(oid) as definition from pg_constraint where contype = 'f'`,
  )
  return tenantReferences(orm)
    .filter(({ table, column, target }) => {
      const start = `FOREIGN KEY (organization_id, ${column}) REFERENCES ${target}(organization_id, id)`
      return !keys.some((key) => key.table === table && key.definition.startsWith(start))
    })
    .map(
      ({ table, column, target }) =>
        `${table}.${column} may point at another organization's row: it needs a foreign key (organization_id, ${column}) to ${target} (organization_id, id), named …_same_organization`,
    )
}

/** Applies all migrations to an empty database. @returns how what they make differs from what the entities say. */
export async function checkMigrations(entities: Entities): Promise<string[]> {
  const pglite = await PGlite.create()
  try {
    const log = pino({ level: 'silent' })
    const orm = await MikroORM.init({
      ...(await ormOptions(entities, log)),
      dbName: 'postgres',
      driverOptions: { pglite },
    })
    await applyMigrations(orm, log)
    return [...(await differencesOf(orm)), ...(await crossingsOf(orm, pglite))]
  } finally {
    await pglite.close()
  }
}

async function main(): Promise<void> {
  const modules = [...(await loadModules()).values()]
  const differences = await checkMigrations(entitiesOf(modules))
  for (const difference of differences) console.log(difference)
  console.log(
    differences.length === 0
      ? 'The migrations make what the entities say.'
      : `The migrations and the entities differ in ${differences.length} places; the above would make the database fit.`,
  )
  process.exitCode = differences.length === 0 ? 0 : 1
}

if (import.meta.main) await main()
