import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** The part of codegen's preset arguments that this preset reads. */
interface PresetArguments {
  baseOutputDir: string
  schema: { definitions: readonly { kind: string; name?: { value: string } }[] }
  plugins: Record<string, unknown>[]
  pluginMap: Record<string, unknown>
  config: { mappers?: Record<string, string> } & Record<string, unknown>
}

const header = '/* Written by `npm run codegen` from schema/. Never edited: change the SDL, or codegen.yml. */'

/** The SDL types that have a row: every `export interface XRow` or `export type XRow` of a module's entity file. */
export function findRows(root = '.'): { type: string; file: string }[] {
  return globSync('src/modules/*/*.entity.ts', { cwd: root })
    .sort()
    .flatMap((file) =>
      [...readFileSync(posix.join(root, file), 'utf8').matchAll(/^export (?:interface|type) (\w+)Row\b/gm)].map(
        (match) => ({ type: match[1] ?? '', file }),
      ),
    )
}

/** Mappers by convention: `X` is resolved from its row, and `XConnection` from a page of such rows. */
function mapRows(types: ReadonlySet<string>, folder: string): Record<string, string> {
  const paging = posix.relative(folder, 'src/database/paging.ts')
  const mappers: Record<string, string> = {}
  for (const { type, file } of findRows()) {
    if (types.has(type)) mappers[type] = `${posix.relative(folder, file)}#${type}Row`
    if (types.has(`${type}Connection`)) mappers[`${type}Connection`] = `${paging}#Connection<${type}Row>`
  }
  return mappers
}

/** Codegen's preset for src/generated/resolvers.ts: the modules' rows as mappers, and a header. */
export const preset = {
  buildGeneratesSection(options: PresetArguments) {
    const types = new Set(options.schema.definitions.map((definition) => definition.name?.value ?? ''))
    const mappers = { ...mapRows(types, posix.dirname(options.baseOutputDir)), ...options.config.mappers }
    return [
      {
        ...options,
        filename: options.baseOutputDir,
        plugins: [{ header: {} }, ...options.plugins],
        pluginMap: { header: { plugin: () => ({ prepend: [header], content: '' }) }, ...options.pluginMap },
        config: { ...options.config, mappers },
      },
    ]
  },
}
