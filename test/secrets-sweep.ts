import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The variable that says where the run's sweeps are written down: global-setup.js. */
const SWEEPS_PATH = 'TENANTRY_TEST_SWEEPS'

/** What a text must have for being looked for: shorter ones turn up by chance. */
const MIN_LENGTH = 16

/** What a row goes by; where a credential belongs, one proves nothing. */
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Every secret that a server of this test file was given or has handed out: its end, and what it is. */
const known = new Map<string, string>()

/** Access tokens, API keys and refresh tokens, wherever they stand. */
const CREDENTIALS = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+|\btk_(?:live|test)_\w{40,}|\brt_[\w-]{40,}/g
/** Members of JSON, and arguments in a document that stands in one, that are secrets by their name. */
const NAMED = /"(\w*(?:password|secret|token))"\s*:\s*("(?:[^"\\]|\\.)*")/gi
const ARGUMENTS = /\b(\w*(?:password|secret|token))\s*:\s*\\"((?:[^"\\]|\\[^"])*)\\"/gi
const PARAMETER = /^(?:code|assertion|\w*(?:password|secret|token|assertion))$/i
const SETTING = /SECRET|PEPPER|PRIVATE_KEY$|ENCRYPTION_KEY|HASH_KEY/

/** Notes a secret. Its end is what makes it one: the signature, the checksum, the tag. */
export function noteSecret(what: string, text: string): void {
  if (text.length < MIN_LENGTH || UUID.test(text)) return
  known.set(text.slice(-MIN_LENGTH), what)
  known.set(JSON.stringify(text).slice(1, -1).slice(-MIN_LENGTH), what)
}

/** Notes the secrets among a server's settings; of a private key each line. */
export function noteSettings(settings: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value = ''] of Object.entries(settings)) {
    if (SETTING.test(name)) for (const line of value.split('\n')) if (!line.startsWith('-----')) noteSecret(name, line)
  }
}

/** Notes the secrets in the body of a request or an answer. */
export function noteSecretsIn(body: string): void {
  for (const [credential] of body.matchAll(CREDENTIALS)) noteSecret('a credential', credential)
  for (const [, name = '', value = '""'] of body.matchAll(NAMED)) noteSecret(name, unquoted(value))
  for (const [, name = '', value = ''] of body.matchAll(ARGUMENTS)) noteSecret(name, value)
}

function unquoted(text: string): string {
  try {
    return JSON.parse(text) as string
  } catch {
    return text.slice(1, -1)
  }
}

/** Notes the credentials in a request's headers. */
export function noteHeaders(headers: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'x-api-key' || name === 'x-tenant-api-key') noteSecret(name, String(value))
    if (name !== 'authorization') continue
    const [scheme = '', credentials = ''] = String(value).split(' ')
    noteSecret(name, credentials)
    const [, ofClient = ''] = Buffer.from(credentials, 'base64').toString().split(':')
    if (/^basic$/i.test(scheme)) noteSecret('a client secret', ofClient)
  }
}

/** Where known secrets are in a text: one line for each of them, without the secret. */
export function secretsIn(where: string, text: string): string[] {
  const found = new Set<string>()
  for (let at = 0; at + MIN_LENGTH <= text.length; at += 1) {
    const what = known.get(text.slice(at, at + MIN_LENGTH))
    if (what !== undefined) found.add(`${where} holds ${what}: ${text.slice(Math.max(0, at - 120), at)}…`)
  }
  return [...found]
}

/** What one server has told to others than the owner of a secret. */
export interface Sweep {
  /** Looks through what was answered, and through the log and all else that is shown. @throws Error where a secret is in it. */
  check(shown: Readonly<Record<string, readonly string[]>>): void
}

/** Listens to all that a server is sent and answers, however a test sends it. */
export function sweepServer(server: Server): Sweep {
  const answers: string[] = []
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    noteHeaders(request.headers)
    const sent = chunksOf(request, 'emit', ([event, chunk]) => (event === 'data' ? chunk : undefined))
    const written = [chunksOf(response, 'write', ([chunk]) => chunk), chunksOf(response, 'end', ([chunk]) => chunk)]
    response.once('close', () => {
      const [question, body] = [textOf(sent), written.map(textOf).join('')]
      noteSecretsIn(question)
      noteSecretsIn(body)
      if (request.headers['content-type']?.includes('urlencoded')) noteParameters(question)
      answers.push(JSON.stringify(response.getHeaders()), toldBy(response.statusCode, body))
    })
  })
  return {
    check(shown) {
      const all = { 'an answer': answers, ...shown }
      writeDown([
        ['secrets', known.size],
        ...Object.entries(all).map(([what, texts]): [string, number] => [what, texts.length]),
      ])
      const found = Object.entries(all).flatMap(([where, texts]) => texts.flatMap((text) => secretsIn(where, text)))
      if (found.length > 0) throw new Error(`Secrets were found:\n${found.slice(0, 20).join('\n')}`)
    },
  }
}

/** Keeps the chunks that are handed to a method, and lets them pass. */
function chunksOf<Method extends string>(
  stream: Record<Method, (...args: never[]) => unknown>,
  method: Method,
  chunkOf: (args: readonly unknown[]) => unknown,
): unknown[] {
  const chunks: unknown[] = []
  const original = stream[method]
  stream[method] = (...args) => {
    chunks.push(chunkOf(args))
    return original.apply(stream, args)
  }
  return chunks
}

const textOf = (chunks: readonly unknown[]): string =>
  chunks.map((chunk) => (typeof chunk === 'string' || Buffer.isBuffer(chunk) ? chunk.toString() : '')).join('')

function noteParameters(form: string): void {
  for (const [name, value] of new URLSearchParams(form)) if (PARAMETER.test(name)) noteSecret(name, value)
}

/** What an answer tells of what went wrong: its errors; all of one that is a refusal. */
function toldBy(status: number, body: string): string {
  if (status >= 400) return body
  if (!body.startsWith('{') || !body.includes('"errors":')) return ''
  return JSON.stringify((JSON.parse(body) as { errors?: unknown }).errors ?? null)
}

/** Writes down what was looked through, for the run's sum. */
function writeDown(counts: [string, number][]): void {
  const path = process.env[SWEEPS_PATH]
  if (path) appendFileSync(path, `${JSON.stringify(counts)}\n`)
}

/** Makes the file that the sweeps of a run are written down in, by all of its workers. */
export function startSweeps(): void {
  process.env[SWEEPS_PATH] = join(mkdtempSync(join(tmpdir(), 'tenantry-sweeps-')), 'sweeps')
}

/** Tells how much the run's sweeps have looked through. Where they found something, a test file has failed. */
export function sumSweeps(): void {
  const path = process.env[SWEEPS_PATH]
  if (!path || !existsSync(path)) return
  const sweeps = readFileSync(path, 'utf8').trimEnd().split('\n')
  const sums = new Map<string, number>()
  for (const sweep of sweeps) {
    for (const [what, count] of JSON.parse(sweep) as [string, number][]) sums.set(what, (sums.get(what) ?? 0) + count)
  }
  const told = [...sums].map(([what, count]) => `${what} ${count}`).join(', ')
  process.stdout.write(`secrets sweep of ${sweeps.length} servers: ${told}\n`)
  rmSync(dirname(path), { recursive: true, force: true })
}
