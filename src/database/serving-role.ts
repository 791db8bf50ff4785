import type { Database } from './database.ts'
import { roles } from './roles.ts'

type Orm = Database['orm']

interface Finding {
  current: string
  superuser: boolean
  bypasses: boolean
  owns: number
}

/** What is wrong with the role that the connections run as; null where nothing is. */
async function mistakeOfRole(orm: Orm): Promise<string | null> {
  const [found] = await orm.em.getConnection().execute<Finding[]>(
    `select r.rolname as current, r.rolsuper as superuser, r.rolbypassrls as bypasses,
       (select count(*)::int from pg_class c where c.relowner = r.oid) as owns
     from pg_roles r where r.rolname = current_user`,
  )
  if (!found) return 'the role of the connection is unknown'
  if (found.current !== roles.server) return `the connection runs as ${found.current}, not as ${roles.server}`
  if (found.superuser) return `${found.current} is a superuser`
  if (found.bypasses) return `${found.current} bypasses row-level security`
  if (found.owns > 0) return `${found.current} owns ${found.owns} tables`
  return null
}

/** The tables of the entities that have the tenant filter and not, in the database, forced row-level security. */
async function unforcedTables(orm: Orm): Promise<string[]> {
  const tables = [...orm.getMetadata()]
    .filter((meta) => meta.rowLevelSecurity === 'force')
    .map((meta) => meta.tableName)
  const forced = await orm.em.getConnection().execute<{ name: string }[]>(
    `select relname as name from pg_class
       where relnamespace = 'public'::regnamespace and relrowsecurity and relforcerowsecurity`,
  )
  const names = new Set(forced.map((row) => row.name))
  return tables.filter((table) => !names.has(table))
}

/**
 * Makes sure that row-level security holds for this server (isolation.md, wall two).
 * @throws Error where the role owns a table, is a superuser or bypasses RLS, or a table does not force it.
 */
export async function assertServingRole(orm: Orm): Promise<void> {
  const mistake = await mistakeOfRole(orm)
  if (mistake) throw new Error(`The server does not serve with this database role: ${mistake}`)
  const unforced = await unforcedTables(orm)
  if (unforced.length > 0) throw new Error(`Row-level security is not forced on: ${unforced.join(', ')}`)
}
