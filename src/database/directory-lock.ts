import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function ownerOf(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid) ? pid : null
  } catch {
    return null
  }
}

/**
 * Takes the directory for this process; a second one on the same files would destroy them. The lock of a process that no
 * longer lives is taken over.
 * @returns what gives it back.
 * @throws Error naming the process that has it.
 */
export function lockDirectory(directory: string): () => void {
  const file = join(directory, 'server.pid')
  const owner = ownerOf(file)
  if (owner !== null) {
    throw new Error(
      `Another process (${owner}) is using ${directory}. Stop it, or give this one a directory of its own (DATA_DIR) or a PostgreSQL server (DATABASE_URL).`,
    )
  }
  rmSync(file, { force: true })
  try {
    const descriptor = openSync(file, 'wx', 0o600)
    writeSync(descriptor, String(process.pid))
    closeSync(descriptor)
  } catch (error) {
    throw new Error(`Another process has just taken ${directory}`, { cause: error })
  }
  return () => rmSync(file, { force: true })
}
