import { readdir } from 'node:fs/promises'
import type { Entities } from './database/entities.ts'
import type { Resolvers } from './generated/resolvers.ts'
import type { Role } from './principal/principal.ts'

/** What a feature brings: `src/modules/<feature>/<feature>.module.ts` exports one as its default. */
export interface FeatureModule {
  /** Its tables. */
  entities?: Entities
  resolvers: Resolvers
  /** The scopes that its SDL requires, each with the least role that holds it; every role holds `read:*`. */
  scopes?: Readonly<Record<string, Role>>
}

/** The scopes of all features. */
export function scopesOf(modules: readonly FeatureModule[]): Readonly<Record<string, Role>> {
  return Object.fromEntries(modules.flatMap((module) => Object.entries(module.scopes ?? {})))
}

const directory = new URL('./modules/', import.meta.url)

/** Every feature, by name: a new folder is found without an edit elsewhere. */
export async function loadModules(): Promise<ReadonlyMap<string, FeatureModule>> {
  const folders = (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  const names = folders.map((folder) => folder.name).sort()
  const modules = await Promise.all(
    names.map(async (name) => {
      const { default: module } = (await import(new URL(`${name}/${name}.module.ts`, directory).href)) as {
        default: FeatureModule
      }
      return [name, module] as const
    }),
  )
  return new Map(modules)
}
