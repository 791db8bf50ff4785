import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createScopeRegistry } from './access/scopes.ts'
import { loadConfig, type Config } from './config.ts'
import { asOwner, type RunStatement } from './database/owner.ts'
import { checkDocuments } from './documents/check-documents.ts'
import { isDocumentHash } from './documents/document-hash.ts'
import { readManifest } from './documents/manifest.ts'
import { addDocuments, listDocuments, removeDocuments } from './documents/trusted-document-table.ts'
import { operationLimits } from './http/limits.ts'
import { createLogger } from './http/log.ts'
import { loadModules, scopesOf, type FeatureModule } from './modules.ts'
import { entitiesOf } from './pipeline-entities.ts'
import { createSchema } from './schema.ts'

const USAGE = `The trusted documents: see docs/trusted-documents.md. They are changed as the owner of the database
(MIGRATION_DATABASE_URL, else DATABASE_URL), and what has changed is in force on running servers at once.

  npm run --silent documents -- import <file…>
      Adds the documents of Apollo's or Relay's manifests (.json), or of .graphql files: all of them, or none where one
      has a mistake.
  npm run --silent documents -- list
      Every document, a JSON object a line.
  npm run --silent documents -- remove <hash…>
      Removes documents: all of them, or none where a hash is unknown.
`

/** What is done: text for stdout, which a program may read, and words for stderr. */
interface Done {
  output: string
  words: string
}

type Command = (run: RunStatement) => Promise<Done>

/** What the arguments and the files that they name ask for. @throws Error naming every mistake in them. */
function readCommand(args: string[], config: Config, modules: readonly FeatureModule[]): Command {
  const [name, ...operands] = parseArgs({ args, allowPositionals: true, options: {} }).positionals
  if (name === 'list' && operands.length === 0) return list
  if (name === 'import' && operands.length > 0) return importing(operands, config, modules)
  if (name === 'remove' && operands.length > 0) return removing(operands)
  throw new Error(USAGE)
}

async function list(run: RunStatement): Promise<Done> {
  const listed = await listDocuments(run)
  return { output: listed.map((document) => `${JSON.stringify(document)}\n`).join(''), words: '' }
}

function importing(paths: readonly string[], { http }: Config, modules: readonly FeatureModule[]): Command {
  const manifests = paths.map((path) => readManifest(path, readFileSync(path)))
  const { documents, mistakes } = checkDocuments(
    manifests.flatMap((manifest) => manifest.documents),
    {
      schema: createSchema(modules, createScopeRegistry(scopesOf(modules))).schema,
      introspection: http.introspection,
      maxTokens: http.limits.maxTokens,
      maxBytes: http.bodyLimitBytes,
      rules: [operationLimits(http.limits)],
    },
  )
  const all = [...manifests.flatMap((manifest) => manifest.mistakes), ...mistakes]
  if (all.length > 0) throw new Error(`Nothing is imported:\n${all.map((mistake) => `  - ${mistake}`).join('\n')}`)
  return async (run) => {
    const added = await addDocuments(run, documents)
    const words = `${added} new, ${documents.length - added} trusted already\n`
    return { output: documents.map(({ hash }) => `${hash}\n`).join(''), words }
  }
}

function removing(hashes: readonly string[]): Command {
  const malformed = hashes.filter((hash) => !isDocumentHash(hash))
  if (malformed.length > 0) throw new Error(malformed.map((name) => `There is no document ${name}`).join('\n'))
  return async (run) => {
    await removeDocuments(run, hashes)
    return { output: '', words: `${new Set(hashes).size} removed\n` }
  }
}

async function main(): Promise<void> {
  const config = loadConfig()
  const modules = [...(await loadModules()).values()]
  const command = readCommand(process.argv.slice(2), config, modules)
  const log = createLogger('warn', process.stderr)
  const { output, words } = await asOwner(config, entitiesOf(modules), log, command)
  process.stdout.write(output)
  process.stderr.write(words)
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
