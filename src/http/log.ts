import { pino, type DestinationStream, type Logger } from 'pino'

const secretFields = [
  'authorization',
  'cookie',
  'password',
  'currentPassword',
  'newPassword',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  '["x-api-key"]',
  '["x-tenant-api-key"]',
  '["set-cookie"]',
]

/**
 * The server's logger: one JSON object a line. No caller logs a secret; should one do so by mistake, the names
 * that secrets go by are blotted out, at the top and one and two levels below.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const paths = secretFields.flatMap((field) => {
    const below = field.startsWith('[') ? field : `.${field}`
    return [field, `*${below}`, `*.*${below}`]
  })
  const options = {
    level,
    base: undefined,
    redact: { paths, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  return destination === undefined ? pino(options) : pino(options, destination)
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
      message: scrub(thrown.message),
      ...(typeof code === 'string' ? { code: code.slice(0, 64) } : {}),
      stack: framesOf(thrown),
      ...(thrown.cause === undefined || depth >= 3 ? {} : { cause: describeError(thrown.cause, depth + 1) }),
    }
  } catch {
    return { type: typeof thrown, message: 'not describable' }
  }
}

function framesOf(error: Error): string {
  // A stack begins with the message, which may hold values: only its frames are kept.
  const frames = String(error.stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
  return frames.slice(0, 20).join('\n')
}

const messageMaxLength = 1000
const sql = /\b(?:select|insert|update|delete|with|call|set_config)\b/i

function scrub(message: string): string {
  const text = message
    .slice(0, 10 * messageMaxLength)
    .replace(/\beyJ[\w-]+(?:\.[\w-]*){0,2}/g, '[token]')
    .replace(/\btk_(?:live|test)_\w+/g, '[api key]')
    .replace(/\bBearer\s+\S+/gi, 'Bearer [redacted]')
  // The ORM writes values into the text of its statements, and drivers quote that text in their errors.
  const scrubbed = sql.test(text) ? text.replace(/'(?:[^']|'')*'/g, "'?'") : text
  return scrubbed.slice(0, messageMaxLength)
}
