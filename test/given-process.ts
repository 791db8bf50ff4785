import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { noteSettings, secretsIn } from './secrets-sweep.ts'

/** The project's folder. */
export const root = fileURLToPath(new URL('../', import.meta.url))

/** How a process ended. */
export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  /** Where it listens. */
  url: string
  pid: number
  stdout(): string
  /** How it has ended, once it has. */
  ended: Promise<Ended>
  /** Asks it to end, and waits until it has. */
  stop(): Promise<Ended>
  /** Ends it as a power cut would, and waits until it has. */
  kill(): Promise<Ended>
}

interface Spawning {
  /** All of its environment, but for what every program needs. */
  env?: Record<string, string | undefined>
  cwd?: string
}

function start(command: string, args: readonly string[], { env, cwd = root }: Spawning) {
  const { PATH, HOME, TMPDIR } = process.env
  noteSettings(env ?? {})
  const child = spawn(command, args, {
    cwd,
    env: { PATH, HOME, TMPDIR, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => void (written.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (written.stderr += chunk.toString()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      // Only our own programs log: what another one prints, such as curl, is what it was asked for.
      const isOurs = command === process.execPath
      const found = isOurs ? secretsIn('a line of the log', logLinesIn(written.stdout + written.stderr)) : []
      if (found.length > 0) reject(new Error(`Secrets were found:\n${found.join('\n')}`))
      else resolve({ code, ...written })
    })
  })
  return { child, written, ended }
}

/** What a program has logged. What it prints for a person may hold what that person has asked for. */
const logLinesIn = (written: string): string => written.match(/^\{.*$/gm)?.join('\n') ?? ''

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], spawning: Spawning = {}): Promise<Ended> {
  return start(command, args, spawning).ended
}

const main = `${root}src/main.ts`

/** Runs the server's own program to its end: for starts that are refused. */
export function runServer(args: readonly string[], spawning: Spawning = {}): Promise<Ended> {
  return run(process.execPath, [main, ...args], spawning)
}

/**
 * Starts the server as `npm start` does, and waits until it says that it is ready.
 * @throws Error with what it wrote where it ends instead.
 */
export async function startServerProcess(args: readonly string[], spawning: Spawning = {}): Promise<Running> {
  const { child, written, ended } = start(process.execPath, [main, ...args], spawning)
  const endBy = (signal: 'SIGTERM' | 'SIGKILL') => () => {
    child.kill(signal)
    return ended
  }
  for (;;) {
    const url = /^ {2}GraphQL +(\S+)\/graphql\n\n/m.exec(written.stdout)?.[1]
    if (url) {
      const ending = { stop: endBy('SIGTERM'), kill: endBy('SIGKILL') }
      return { url, pid: child.pid ?? 0, stdout: () => written.stdout, ended, ...ending }
    }
    if (child.exitCode !== null) throw new Error(`The server has ended:\n${written.stderr}${written.stdout}`)
    await sleep(20)
  }
}
