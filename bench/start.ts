import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface LockFile {
  packages: Record<string, { version?: string; optional?: boolean }>
}

const folder = fileURLToPath(new URL('./', import.meta.url))
const packagesOf = (path: string) => (JSON.parse(readFileSync(folder + path, 'utf8')) as LockFile).packages

/** Whether the peers' packages are there as the lock file has them. What npm has put there, it writes down beside it. */
function isInstalled(): boolean {
  if (!existsSync(`${folder}node_modules/.package-lock.json`)) return false
  const installed = packagesOf('node_modules/.package-lock.json')
  const wanted = Object.entries(packagesOf('package-lock.json')).filter(([path, { optional }]) => path && !optional)
  return wanted.every(([path, { version }]) => installed[path]?.version === version)
}

/** `npm run bench`: brings the peers where they are missing, and runs. */
const { status } = isInstalled() ? { status: 0 } : spawnSync('npm', ['ci'], { cwd: folder, stdio: 'inherit' })
if (status === 0) await import('./run.ts')
else process.exitCode = 1
