import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** What of a file's mode is others' and not its owner's. */
const OTHERS = 0o077

/**
 * Reads a random secret from the file `path`, which is made with mode 0600 if there is none. Of several processes that
 * start at once, all get the same secret.
 * @param bytes how many random bytes a new secret has, and an old one at least
 * @throws Error when the file is readable by others, or does not hold such a secret
 */
export function loadOrCreateSecret(path: string, bytes: number): Buffer {
  const text = loadOrCreateFile(path, () => `${randomBytes(bytes).toString('base64url')}\n`).trim()
  const secret = Buffer.from(text, 'base64url')
  if (secret.length < bytes || secret.toString('base64url') !== text) {
    throw new Error(`${path}: not a secret of ${bytes} bytes or more in base64url`)
  }
  return secret
}

/**
 * Reads the file `path`; where there is none, it is first made with what `create` gives, with mode 0600. Of several
 * processes that start at once, all get the same.
 * @throws Error when the file is readable by others
 */
export function loadOrCreateFile(path: string, create: () => string): string {
  const existing = readPrivateFile(path)
  if (existing !== null) return existing
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(8).toString('hex')}.tmp`
  try {
    writeFileSync(draft, create(), { mode: 0o600, flag: 'wx', flush: true })
    // A link fails where the name is taken, and what appears under the name is whole: of two racing starts one
    // writes and both read the same. `rename` would replace a key that the other start signs with already.
    linkSync(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readPrivateFile(path) ?? ''
}

/** Whether the mode of the file `path` lets others than its owner read or write it; never on Windows, which has none. */
export function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0
}

function readPrivateFile(path: string): string | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
  try {
    // Asked of the open file, not of the name: between two look-ups a name can change its file. Refused and not put
    // right, because whoever could read the key may have done so: it has to be replaced, not hidden.
    const mode = fstatSync(file).mode & OTHERS
    if (mode !== 0 && process.platform !== 'win32') {
      throw new Error(`${path}: others may read or write this key file; replace it, or set its mode to 0600`)
    }
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code
