import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { GraphQLSchema } from 'graphql'
import { loadModules, scopesOf } from '../modules.ts'
import type { Role } from '../principal/principal.ts'
import { readSdl } from '../schema.ts'
import { accessMatrix } from './matrix.ts'
import { createPolicy } from './policy.ts'
import { createScopeRegistry } from './scopes.ts'

const matrixFile = fileURLToPath(new URL('../../schema/access.md', import.meta.url))

/** The scopes that the feature modules declare, each with the least role that holds it. */
export async function loadScopeDeclarations(): Promise<Record<string, Role>> {
  const modules = await loadModules()
  return scopesOf([...modules.values()])
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

if (import.meta.main) process.exitCode = runMatrix(process.argv.slice(2), readSdl(), await loadScopeDeclarations())
