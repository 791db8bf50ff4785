import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** `npm run bench`: brings the peers, where they are not there yet, and runs. */
const folder = fileURLToPath(new URL('./', import.meta.url))
const isInstalled = existsSync(new URL('node_modules/', import.meta.url))
if (!isInstalled) spawnSync('npm', ['ci'], { cwd: folder, stdio: 'inherit' })
await import('./run.ts')
