import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { GraphQLEmailAddress } from 'graphql-scalars'
import { createApp, type App } from './app.ts'
import { loadConfig } from './config.ts'
import { createContext, type Context } from './context.ts'
import { createLogger } from './http/log.ts'
import { createOperator, promoteOperator } from './modules/platform/new-operator.ts'
import { Interrupted, readNewPassword } from './password-prompt.ts'

const USAGE = `Usage:
  npm run operator -- create --email EMAIL [--first-name NAME] [--last-name NAME]
      Makes an account that is an operator's. The password is asked for at the terminal, or is the one line of
      standard input; it is never an argument.
  npm run operator -- promote --email EMAIL
      Makes an existing user an operator.
`

/** How the program ends: done; not done; called in a way that it does not know; given up at the terminal. */
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

interface Command {
  name: 'create' | 'promote'
  email: string
  firstName: string | null
  lastName: string | null
}

/** Told apart from what fails, and never with what was typed: it may have been a password. */
class UsageError extends Error {}

/** @throws UsageError */
function readCommand(given: string[]): Command {
  const options = {
    email: { type: 'string' },
    'first-name': { type: 'string' },
    'last-name': { type: 'string' },
  } as const
  let parsed
  try {
    parsed = parseArgs({ args: given, options, allowPositionals: true })
  } catch {
    throw new UsageError('The options are --email, --first-name and --last-name, each with a value')
  }
  const { positionals, values } = parsed
  const [name] = positionals
  if (positionals.length !== 1 || (name !== 'create' && name !== 'promote')) {
    throw new UsageError('The command is one of: create, promote')
  }
  const names = { firstName: values['first-name'] ?? null, lastName: values['last-name'] ?? null }
  if (name === 'promote' && (names.firstName ?? names.lastName) !== null) {
    throw new UsageError('promote changes no names')
  }
  return { name, email: readEmail(values.email), ...names }
}

function readEmail(text: string | undefined): string {
  if (text === undefined) throw new UsageError('--email is missing')
  try {
    return GraphQLEmailAddress.parseValue(text)
  } catch {
    throw new UsageError('--email is not an e-mail address')
  }
}

/** Does what was asked for. @returns what it did, in words. */
async function run(ctx: Context, command: Command): Promise<string> {
  if (command.name === 'promote') {
    const { user, promoted } = await promoteOperator(ctx, command.email)
    return promoted
      ? `${user.email} is now an operator (${user.id})`
      : `${user.email} is an operator already (${user.id})`
  }
  const password = await readNewPassword(process.stdin, process.stderr)
  const user = await createOperator(ctx, { ...command, password })
  return `Created the operator ${user.email} (${user.id})`
}

/** Works as an instance that does not listen: the same settings, keys and checks, and other instances learn of it at once. */
async function asInstance<T>(work: (ctx: Context) => Promise<T>): Promise<T> {
  // On stderr: stdout has what was done and nothing else.
  const log = createLogger('warn', { write: (line: string) => void process.stderr.write(line) })
  const app: App = await createApp(loadConfig(), { log })
  try {
    const facts = { requestId: randomUUID(), headers: {}, ipAddress: 'local', userAgent: 'npm run operator' }
    const ctx = createContext(app.services, facts, null)
    return await work(ctx).finally(() => ctx.rows.close())
  } finally {
    await app.close()
  }
}

async function main(): Promise<number> {
  const given = process.argv.slice(2)
  if (given.length === 1 && (given[0] === '--help' || given[0] === 'help')) {
    process.stdout.write(USAGE)
    return EXIT.done
  }
  const command = readCommand(given)
  const done = await asInstance((ctx) => run(ctx, command))
  process.stdout.write(`${done}\n`)
  return EXIT.done
}

function exitCodeFor(error: unknown): number {
  if (error instanceof Interrupted) {
    process.stderr.write('Nothing was changed\n')
    return EXIT.interrupted
  }
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  if (!(error instanceof UsageError)) return EXIT.failed
  process.stderr.write(`\n${USAGE}`)
  return EXIT.usage
}

process.exitCode = await main().catch(exitCodeFor)
