import { readdir } from 'node:fs/promises'
import type { MigrationObject } from '@mikro-orm/core'
import type { Migration } from '@mikro-orm/migrations'

const directory = new URL('./migrations/', import.meta.url)

/** Runs a statement for each of some tables, where the owner is neither a superuser nor bypasses row-level security. */
const forOwnerWhoIsSubject = (tables: string, change: string) => `
  do $$ declare t record; begin
    if (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) then return; end if;
    for t in select oid::regclass as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and ${tables}
    loop execute format('alter table %s ${change}', t.name); end loop;
  end $$`
const lifted = forOwnerWhoIsSubject('relforcerowsecurity', 'no force row level security')
const forced = forOwnerWhoIsSubject('relrowsecurity and not relforcerowsecurity', 'force row level security')

/**
 * Forced row-level security holds for the owner too, and a migration works for no tenant: not even a foreign key could be
 * added. So it is not forced within the migration's transaction; for everyone else, and for the serving roles, it holds on.
 * A superuser needs none of that; on a managed server the owner is none.
 */
function asOwner(Original: new (...made: ConstructorParameters<typeof Migration>) => Migration) {
  const original = Original.prototype as { up(): Promise<void> | void }
  return class extends Original {
    override async up(): Promise<void> {
      await this.execute(lifted)
      await original.up.call(this)
      this.addSql(forced)
    }
  }
}

/** All migrations in src/database/migrations, by name. A migration is a file there that exports one class. */
export async function migrations(): Promise<MigrationObject[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.ts')).sort()
  return Promise.all(
    files.map(async (file) => {
      const exported = Object.values((await import(new URL(file, directory).href)) as object)
      if (exported.length !== 1) throw new Error(`The migration ${file} must export one class and nothing else`)
      const name = file.replace(/\.ts$/, '')
      return { name, class: asOwner(exported[0] as Parameters<typeof asOwner>[0]) }
    }),
  )
}
