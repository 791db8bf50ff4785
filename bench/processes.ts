import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { askInside, type Answer, type Question } from './questions.ts'
import { NoAnswer } from './workloads.ts'

/** How many CPUs there are for the server and what loads it. */
export const cpus = availableParallelism()
const everyCpu = `0-${cpus - 1}`
const canPin = cpus > 1 && spawnSync('taskset', ['-c', String(cpus - 1), 'true']).status === 0

/** The CPU that the measured server has to itself, and those that are left for what loads it; null where nothing is pinned. */
export const pinning = canPin ? { server: String(cpus - 1), others: cpus === 2 ? '0' : `0-${cpus - 2}` } : null

/** Keeps this process, and what it starts, off the server's CPU. */
export function stepAside(): void {
  if (pinning) spawnSync('taskset', ['-acp', pinning.others, String(process.pid)])
}

/** Lets a process that is pinned use every CPU while something is done. */
export async function onEveryCpu<T>(pid: number, work: () => Promise<T>): Promise<T> {
  const pin = (list: string) => {
    if (pinning) spawnSync('taskset', ['-acp', list, String(pid)])
  }
  pin(everyCpu)
  try {
    return await work()
  } finally {
    pin(pinning?.server ?? '')
  }
}

/** What every program gets of the environment; all else is named. */
const inherited = Object.fromEntries(
  ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
) as Record<string, string>

export interface Running {
  pid: number
  url: string
  /** From the start of the process to its first right answer. */
  startUpMs: number
  /** Asks what only the process itself can see. */
  ask(question: Question): Promise<Answer>
  /** The end of what it has written. */
  tail(): string
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Keeps the end of what a program writes, for when it fails, and says how it has ended. */
function tailOf(child: ChildProcess): () => string {
  let text = ''
  const keep = (chunk: Buffer) => void (text = (text + chunk.toString()).slice(-4_000))
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ended = () => (hasEnded(child) ? `It has ended with ${child.signalCode ?? child.exitCode ?? ''}` : '')
  return () => [text.trim(), ended()].filter((part) => part !== '').join('\n')
}

const children = new Set<ChildProcess>()

/** Ends whatever was started and still runs: nobody else does, where this program is ended. */
export function endChildren(): void {
  for (const child of children) child.kill('SIGKILL')
}
process.once('exit', endChildren)

interface Spawning {
  program: URL
  environment: Record<string, string>
  args?: string[]
  /** Which CPUs it may use, in the words of `taskset`. */
  on: string | undefined
  /** Loads `inside.ts` first, and opens the channel to it. */
  isAsked?: boolean
  /** When it is ended, if it has not ended by itself; 0 is never. */
  limitMs?: number
}

function spawnNode({ program, environment, args = [], on, isAsked = false, limitMs = 0 }: Spawning): ChildProcess {
  const [first = '', ...rest] = [
    ...(pinning && on ? ['taskset', '-c', on] : []),
    ...[process.execPath, '--disable-warning=ExperimentalWarning'],
    ...(isAsked ? ['--import', new URL('./inside.ts', import.meta.url).href] : []),
    ...[fileURLToPath(program), ...args],
  ]
  // In a folder of no project's, whose .env would be read.
  const env = { ...inherited, ...environment }
  const stdio = ['ignore', 'pipe', 'pipe', ...(isAsked ? ['ipc' as const] : [])] as const
  const child = spawn(first, rest, { cwd: tmpdir(), env, stdio: [...stdio], timeout: limitMs })
  children.add(child)
  return child.once('close', () => children.delete(child))
}

interface Run {
  program: URL
  settings: Record<string, string>
  args?: string[]
  /** On all CPUs, and not on the server's alone. */
  isOnEveryCpu?: boolean
}

const RUN_LIMIT_MS = 300_000

/** Runs a program to its end, of five minutes at most. @returns what it wrote. @throws Error where it fails */
export async function runNode({ program, settings, args = [], isOnEveryCpu = false }: Run): Promise<string> {
  const on = isOnEveryCpu ? everyCpu : pinning?.server
  const child = spawnNode({ program, environment: settings, args, on, limitMs: RUN_LIMIT_MS })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => void (output += chunk.toString()))
  const tail = tailOf(child)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${fileURLToPath(program)} has failed:\n${tail()}`)
  return output
}

interface Starting {
  program: URL
  settings: Record<string, string>
  /** Asks the server for something; its first success says that the server has started. */
  probe: (url: string) => Promise<unknown>
}

const START_LIMIT_MS = 60_000

/**
 * Starts a server on a port of its own, pinned, and waits for its first right answer.
 * @throws Error where it ends, answers wrongly or does not answer in time; it has ended then
 */
export async function start({ program, settings, probe }: Starting): Promise<Running> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const since = performance.now()
  const environment = { ...settings, HOST: '127.0.0.1', PORT: String(port) }
  const child = spawnNode({ program, environment, on: pinning?.server, isAsked: true })
  const tail = tailOf(child)
  const stop = () => stopped(child)
  const ask = (question: Question) => askInside(child, question)
  for (;;) {
    try {
      await probe(url)
      return { pid: child.pid ?? 0, url, startUpMs: performance.now() - since, ask, tail, stop }
    } catch (error) {
      const isLate = performance.now() - since > START_LIMIT_MS
      const mayStillStart = error instanceof NoAnswer && !hasEnded(child) && !isLate
      if (mayStillStart) await sleep(5)
      else {
        await stop()
        const why = error instanceof Error ? error.message : String(error)
        throw new Error(`${fileURLToPath(program)} does not serve: ${why}\n${tail()}`, { cause: error })
      }
    }
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null

async function stopped(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await closed
  clearTimeout(timer)
}
