import { buildASTSchema, concatAST, parse, type GraphQLSchema } from 'graphql'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Role } from '../principal/principal.ts'
import { accessMatrix } from './matrix.ts'
import { createPolicy } from './policy.ts'
import { createScopeRegistry } from './scopes.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const matrixFile = `${root}schema/access.md`

/**
 * The SDL of `schema/`, as written. Files are put one after another and not merged: merging unites the arguments of
 * repeated directives, which would turn "both" into "either".
 */
export function loadSchema(): GraphQLSchema {
  const files = globSync('schema/*.graphql', { cwd: root }).sort()
  return buildASTSchema(concatAST(files.map((file) => parse(readFileSync(root + file, 'utf8')))))
}

/** The scopes that the feature modules declare, each with the least role that holds it. */
export async function loadScopeDeclarations(): Promise<Record<string, Role>> {
  const files = globSync('src/modules/*/*.module.ts', { cwd: root }).sort()
  const modules = await Promise.all(files.map((file) => importModule(pathToFileURL(root + file).href)))
  return Object.assign({}, ...modules.map((module) => module.default.scopes)) as Record<string, Role>
}

async function importModule(url: string): Promise<{ default: { scopes?: Record<string, Role> } }> {
  return import(url)
}

/**
 * Prints the matrix; with `--write`, writes it to schema/access.md; with `--check`, compares it with that file.
 * Returns the process's exit code: 1 when the file is stale.
 */
export function runMatrix(
  flags: readonly string[],
  schema: GraphQLSchema,
  scopes: Readonly<Record<string, Role>>,
  file = matrixFile,
): number {
  const text = accessMatrix(schema, createPolicy(schema, createScopeRegistry(scopes)))
  if (flags.includes('--write')) writeFileSync(file, text)
  else if (!flags.includes('--check')) process.stdout.write(text)
  else if (!isFresh(file, text)) {
    process.stderr.write('schema/access.md is stale: npm run access -- --write\n')
    return 1
  }
  return 0
}

function isFresh(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8') === text
  } catch {
    return false
  }
}

if (import.meta.main) process.exitCode = runMatrix(process.argv.slice(2), loadSchema(), await loadScopeDeclarations())
