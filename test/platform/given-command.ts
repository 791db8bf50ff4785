import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createDatabase, POSTGRES_URL } from '../harness.ts'

/** Somewhere for the command and a server to work on, one after the other or, on PostgreSQL, at the same time. */
export interface Place {
  /** For both; the command has no other settings, and none of the environment's. */
  settings: Record<string, string>
  drop(): Promise<void>
}

const program = fileURLToPath(new URL('../../src/operator.ts', import.meta.url))

/** An empty database of the engine that the suite runs on. */
export async function givenPlace(): Promise<Place> {
  const database = POSTGRES_URL ? await createDatabase() : null
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-operator-'))
  return {
    settings: {
      NODE_ENV: 'test',
      DATA_DIR: directory,
      DATABASE_URL: database?.url ?? '',
      JWT_SECRET: 'c29tZSBzZWNyZXQgZm9yIHRoZSBjb21tYW5k-and-long',
      PASSWORD_PEPPER: 'a pepper for the command alone, long enough',
      PASSWORD_HASH_COST: '4',
    },
    drop: async () => database?.drop(),
  }
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function run(file: string, args: string[], settings: Record<string, string>, type: (write: Typing) => void) {
  const child = spawn(file, args, {
    // Elsewhere than in the project, so that nobody's own `.env` is read.
    cwd: settings.DATA_DIR,
    env: { PATH: process.env.PATH, ...settings },
  })
  const ended = { stdout: '', stderr: '' }
  const listeners: ((text: string) => void)[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    ended.stdout += chunk.toString()
    for (const listener of listeners) listener(ended.stdout)
  })
  child.stderr.on('data', (chunk: Buffer) => void (ended.stderr += chunk.toString()))
  child.stdin.on('error', () => undefined)
  type({
    write: (text) => void child.stdin.write(text),
    end: () => child.stdin.end(),
    onOutput: (listener) => listeners.push(listener),
  })
  return new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ ...ended, code })))
}

interface Typing {
  write: (text: string) => void
  end: () => void
  onOutput: (listener: (all: string) => void) => void
}

/** Runs the command as a process of its own, with this on its standard input. */
export function operatorCommand(place: Place, args: string[], input: string | Buffer = ''): Promise<Ended> {
  return run(process.execPath, [program, ...args], place.settings, ({ write, end }) => {
    write(input.toString())
    end()
  })
}

/** Runs the command at a terminal, and types an answer to each prompt; the terminal's screen is `stdout`. */
export function operatorCommandAtTerminal(place: Place, args: string[], answers: [prompt: string, typed: string][]) {
  const command = [process.execPath, program, ...args].map((part) => `'${part}'`).join(' ')
  return run(
    'script',
    ['--quiet', '--return', '--command', command, '/dev/null'],
    place.settings,
    ({ write, onOutput }) => {
      const waiting = [...answers]
      onOutput((screen) => {
        const [next] = waiting
        if (!next || !screen.trimEnd().endsWith(next[0])) return
        waiting.shift()
        write(next[1])
      })
    },
  )
}
