import { spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, globSync, statSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'

/** A port that nothing listens at now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/**
 * The newest of a program of this machine.
 * @throws Error where it is not installed: what is skipped proves nothing.
 */
export function pathOf(program: string): string {
  const versions = globSync('/usr/lib/postgresql/*/bin').sort(
    (a, b) => Number(b.split('/')[4]) - Number(a.split('/')[4]),
  )
  const folders = [...versions, ...(process.env.PATH ?? '').split(delimiter)]
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
  if (!found) throw new Error(`${program} is not installed: npm run test:hard needs PostgreSQL's and Redis's programs`)
  return found
}

/** PostgreSQL's programs refuse to run as root: root runs them as the user that their packages make. */
function unprivileged(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const home = globSync('/var/lib/postgresql')[0]
  if (!home) throw new Error('There is no user postgres: root cannot run PostgreSQL')
  const { uid, gid } = statSync(home)
  return { uid, gid }
}

/** Gives a folder to whom PostgreSQL runs as. */
export function giveToPostgres(folder: string): void {
  const user = unprivileged()
  if (user) chownSync(folder, user.uid, user.gid)
}

/** Starts one of PostgreSQL's programs, as somebody who may run it. */
export function startPostgresProgram(program: string, args: readonly string[]): ChildProcess {
  return spawn(pathOf(program), args, {
    ...unprivileged(),
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Waits for a program to end. @throws Error with what it wrote where it fails. */
export async function endOf(child: ChildProcess): Promise<void> {
  let written = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (written += data.toString()))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${String(code)}:\n${written}`)
}
