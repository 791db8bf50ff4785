import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answer, Cover, FileResult, FileRun, Question } from './messages.ts'

const program = fileURLToPath(new URL('warm-tests.ts', import.meta.url))

/** A process with the tests: what is asked of it, it answers, or it is ended. */
export class WarmProcess {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(program, [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--no-warnings'],
      // In the folder with the mutated sources, which goes when the run ends.
      env: { ...process.env, NODE_COMPILE_CACHE: resolve('.compile-cache') },
    })
  }

  /** Runs all tests without a mutant, and tells what each of them reaches. @throws Error where the process ends */
  async cover(sources: readonly string[], files: readonly string[]): Promise<Cover> {
    const told = await this.#ask({ cover: { sources, files } }, 3_600_000)
    if (typeof told === 'string') throw new Error(`The tests have not come to an end: ${told}`)
    return (told as { cover: Cover }).cover
  }

  /** Runs tests of a file. @returns also that they took longer than they may, or that the process has ended: it is gone then. */
  async run(run: FileRun, timeoutMs: number): Promise<FileResult | 'late' | 'ended'> {
    const told = await this.#ask({ run }, timeoutMs)
    return typeof told === 'string' ? told : (told as { run: FileResult }).run
  }

  async #ask(question: Question, timeoutMs: number): Promise<Answer | 'late' | 'ended'> {
    const given = new AbortController()
    const { signal } = given
    const ended =
      (this.#child.exitCode ?? this.#child.signalCode) === null
        ? once(this.#child, 'exit', { signal })
        : Promise.resolve()
    const late = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => late.resolve('late'), timeoutMs)
    try {
      const answered = once(this.#child, 'message', { signal }).then(([told]) => told as Answer)
      this.#child.send(question, () => undefined)
      const told = await Promise.race([answered, late.promise, ended.then(() => 'ended' as const)])
      if (typeof told === 'string') this.end()
      return told
    } finally {
      clearTimeout(timer)
      given.abort()
    }
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
