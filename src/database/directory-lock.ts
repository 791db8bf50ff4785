import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The directories that this process has: a lock with its own number is otherwise one of a process long gone. */
const taken = new Map<string, symbol>()

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return codeOf(error) === 'EPERM'
  }
}

/** The living process that the lock names; null where it names none. */
function ownerOf(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid) ? pid : null
  } catch {
    return null
  }
}

/** Puts the lock in its place with its content, in one step: nobody ever reads an empty one. @returns false where there is one. */
function place(file: string): boolean {
  const own = `${file}.${process.pid}`
  writeFileSync(own, String(process.pid), { mode: 0o600 })
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

/** Takes a stale lock away; where another process has put its own there meanwhile, that one is put back. */
function removeStale(file: string): void {
  const aside = `${file}.${process.pid}.stale`
  try {
    renameSync(file, aside)
    if (ownerOf(aside) !== null) linkSync(aside, file)
  } catch {
    // Somebody else was faster; who has the lock now is looked at next.
  }
  rmSync(aside, { force: true })
}

/**
 * Takes the directory for this process; a second one on the same files would destroy them. The lock of a process that no
 * longer lives is taken over.
 * @returns what gives it back.
 * @throws Error naming the process that has it.
 */
export function lockDirectory(directory: string): () => void {
  const file = join(directory, 'server.pid')
  const path = resolve(directory)
  if (!taken.has(path)) {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (ownerOf(file) !== null) break
      if (place(file)) {
        const mine = Symbol(path)
        taken.set(path, mine)
        return () => {
          if (taken.get(path) !== mine) return
          taken.delete(path)
          rmSync(file, { force: true })
        }
      }
      if (ownerOf(file) === null) removeStale(file)
    }
  }
  throw new Error(
    `Another process (${ownerOf(file) ?? process.pid}) is using ${directory}. Stop it, or give this one a directory of its own (DATA_DIR) or a PostgreSQL server (DATABASE_URL).`,
  )
}
