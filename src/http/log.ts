import { pino, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from 'pino'

const secretNames: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-tenant-api-key',
  'password',
  'currentpassword',
  'newpassword',
  'secret',
  'token',
  'accesstoken',
  'refreshtoken',
])

/** What has the form of one of this server's credentials: an access token, an API key, a refresh token. */
const credentials = /\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}|tk_(?:live|test)_\w+|\brt_[\w-]{40,}/g

const withoutCredentials = (text: string): string => text.replace(credentials, '[redacted]')

/**
 * The server's logger: one JSON object a line. No caller logs a secret; should one do so by mistake, what goes by the
 * name of one is blotted out of its fields, and what has the form of one out of the whole line. pino's own redaction takes
 * paths, and costs as much as a query where they have wildcards.
 */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { log: (line) => blotted(line, 0) },
    serializers: { err: (thrown: unknown) => describeError(thrown) },
  }
  return pino(options, { write: (line: string) => destination.write(withoutCredentials(line)) })
}

const blotDepth = 4

function blotted<Fields extends Record<string, unknown>>(fields: Fields, depth: number): Fields {
  const changed: [string, unknown][] = []
  for (const [name, value] of Object.entries(fields)) {
    if (secretNames.has(name.toLowerCase())) changed.push([name, '[redacted]'])
    else if (depth < blotDepth && isPlainObject(value)) {
      const inner = blotted(value, depth + 1)
      if (inner !== value) changed.push([name, inner])
    }
  }
  return changed.length === 0 ? fields : { ...fields, ...Object.fromEntries(changed) }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** What the log keeps of something thrown. */
export interface ErrorRecord {
  type: string
  message: string
  code?: string
  stack?: string
  cause?: ErrorRecord
}

/** Describes anything thrown for the log, without the values that a database driver or a parser put into it. */
export function describeError(thrown: unknown, depth = 0): ErrorRecord {
  try {
    if (!(thrown instanceof Error)) return { type: typeof thrown, message: scrub(String(thrown)) }
    const code: unknown = 'code' in thrown ? thrown.code : undefined
    return {
      type: thrown.name,
      // graphql-js writes out whatever else is thrown, with all that it holds.
      message: thrown.name === 'NonErrorThrown' ? 'Unexpected error value' : scrub(thrown.message),
      ...(typeof code === 'string' ? { code: code.slice(0, 64) } : {}),
      stack: framesOf(thrown),
      ...(thrown.cause === undefined || depth >= 3 ? {} : { cause: describeError(thrown.cause, depth + 1) }),
    }
  } catch {
    return { type: typeof thrown, message: 'not describable' }
  }
}

function framesOf(error: Error): string {
  // A stack begins with the message, which may hold values, and lines like those of frames: only its frames are kept.
  const frames = String(error.stack)
    .replace(error.message, () => '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
  return frames.slice(0, 20).join('\n')
}

const messageMaxLength = 1000
const sql = /\b(?:select|insert|update|delete|with|call|set_config)\b/i

function scrub(message: string): string {
  const text = withoutCredentials(message.slice(0, 10 * messageMaxLength)).replace(
    /\bBearer\s+\S+/gi,
    'Bearer [redacted]',
  )
  // The ORM writes values into the text of its statements, and drivers quote that text in their errors: the last one may
  // be cut off. PostgreSQL and JSON.parse tell what they could not read.
  const scrubbed = sql.test(text) ? text.replace(/'(?:[^']|'')*(?:'|$)/g, "'?'") : text
  return scrubbed
    .replace(/(: )"[\s\S]*"/, '$1"?"')
    .replace(/"[\s\S]*"(?:\.\.\.)? is not valid JSON/, '"?" is not valid JSON')
    .slice(0, messageMaxLength)
}
