import { readdir } from 'node:fs/promises'
import type { MigrationObject } from '@mikro-orm/core'

const directory = new URL('./migrations/', import.meta.url)

/** All migrations in src/database/migrations, by name. A migration is a file there that exports one class. */
export async function migrations(): Promise<MigrationObject[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.ts')).sort()
  return Promise.all(
    files.map(async (file) => {
      const exported = Object.values((await import(new URL(file, directory).href)) as object)
      if (exported.length !== 1) throw new Error(`The migration ${file} must export one class and nothing else`)
      return { name: file.replace(/\.ts$/, ''), class: exported[0] as MigrationObject['class'] }
    }),
  )
}
