import type { Logger } from 'pino'
import type { Database } from './database.ts'
import { roles } from './roles.ts'

type Orm = Database['orm']

interface Finding {
  role: string
  superuser: boolean
  bypasses: boolean
  grants: boolean
  owns: number
  belongs: number
}

const ours = Object.values(roles)
const listed = ours.map((role) => `'${role}'`).join(', ')

const ask = <T extends object>(orm: Orm, question: string) => orm.em.getConnection().execute<T[]>(question)

/** What is wrong with the roles: the one that the connections run as, and those that the doors take; null where nothing is. */
async function mistakeOfRole(orm: Orm): Promise<string | null> {
  const [connection] = await ask<{ role: string }>(orm, 'select current_user::text as role')
  if (connection?.role !== roles.server) {
    return `the connection runs as ${connection?.role ?? 'nobody'}, not as ${roles.server}`
  }
  const found = await ask<Finding>(
    orm,
    `select r.rolname::text as role, r.rolsuper as superuser, r.rolbypassrls as bypasses, r.rolcreaterole as grants,
       (select count(*)::int from pg_class c where c.relowner = r.oid) as owns,
       (select count(*)::int from pg_auth_members m where m.member = r.oid) as belongs
     from pg_roles r where r.rolname in (${listed})`,
  )
  return ours.map((role) => mistakeOf(role, found)).find((mistake) => mistake !== null) ?? null
}

function mistakeOf(role: string, findings: readonly Finding[]): string | null {
  const found = findings.find((finding) => finding.role === role)
  if (!found) return `there is no role ${role}`
  if (found.superuser) return `${role} is a superuser`
  if (found.bypasses) return `${role} bypasses row-level security`
  if (found.grants) return `${role} may grant itself other roles`
  if (found.belongs > 0) return `${role} is a member of another role`
  if (found.owns > 0) return `${role} owns ${found.owns} tables`
  return null
}

/**
 * What is not behind forced row-level security, of what the entities force it for and of what the roles can reach at all:
 * a table whose migration forgot it, or a view, which would read with its owner's eyes.
 */
async function unforcedTables(orm: Orm): Promise<string[]> {
  const reachable = ours
    .flatMap((role) =>
      ['select', 'insert', 'update'].map((right) => `has_any_column_privilege('${role}', c.oid, '${right}')`),
    )
    .concat(ours.map((role) => `has_table_privilege('${role}', c.oid, 'delete')`))
  const found = await ask<{ name: string; forced: boolean; reachable: boolean }>(
    orm,
    `select c.relname::text as name, c.relrowsecurity and c.relforcerowsecurity as forced, ${reachable.join(' or ')} as reachable
     from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
  )
  const forced = new Set(found.filter((table) => table.forced).map((table) => table.name))
  const needed = [...orm.getMetadata()]
    .filter((meta) => meta.rowLevelSecurity === 'force')
    .map((meta) => meta.tableName)
  // The migrator's own table names migrations, which are public.
  const reached = found.filter((table) => table.reachable && table.name !== 'mikro_orm_migrations')
  const all = new Set([...needed, ...reached.map((table) => table.name)])
  return [...all].filter((table) => !forced.has(table)).sort()
}

/**
 * Makes sure that row-level security holds for this server (isolation.md, wall two).
 * @throws Error where a role owns a table, is a superuser, bypasses RLS or can become more than it is, or a table does not
 * force RLS.
 */
export async function assertServingRole(orm: Orm): Promise<void> {
  const mistake = await mistakeOfRole(orm)
  if (mistake) throw new Error(`The server does not serve with this database role: ${mistake}`)
  const unforced = await unforcedTables(orm)
  if (unforced.length > 0) throw new Error(`Row-level security is not forced on: ${unforced.join(', ')}`)
}

/**
 * Makes sure that the login behind the serving role is not all-powerful either: whoever could make the server run SQL of
 * their own could leave the role for its login.
 * @throws Error in production where the login is a superuser or bypasses RLS; elsewhere it is logged.
 */
export async function assertOrdinaryLogin(orm: Orm, production: boolean, log: Logger): Promise<void> {
  const [login] = await ask<{ name: string; powerful: boolean }>(
    orm,
    'select rolname::text as name, rolsuper or rolbypassrls as powerful from pg_roles where rolname = session_user',
  )
  if (login && !login.powerful) return
  const mistake =
    `The login ${login?.name ?? ''} of DATABASE_URL is a superuser or bypasses row-level security. Give the owner in ` +
    'MIGRATION_DATABASE_URL, and in DATABASE_URL a login of its own: migrating makes it.'
  if (production) throw new Error(mistake)
  log.info(mistake)
}
