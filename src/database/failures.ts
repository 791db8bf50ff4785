import { ApiError, unavailable } from '../errors.ts'

/** SQLSTATE of what PostgreSQL refuses whatever is asked of it: it will serve again, by itself or by its operator's hand. */
const UNAVAILABLE_CLASSES: ReadonlySet<string> = new Set([
  '08', // connection exceptions
  '53', // out of disk, memory or connections
])
const UNAVAILABLE_STATES: ReadonlySet<string> = new Set([
  '25006', // read_only_sql_transaction: a replica that is not promoted yet, or a primary that is one no more
  '25P03', // idle_in_transaction_session_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '58030', // io_error
])
/** What Node.js says of a connection. */
const NETWORK: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['EHOSTDOWN', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
])
/** What pg 8 says of a connection, which has no code. */
const BROKEN =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout expired$|Query read timeout|The database has fallen silent)/
const POOL_EXHAUSTED = /^timeout exceeded when trying to connect$/

const QUERY_CANCELED = '57014'
const CONFLICTS: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
])

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

/**
 * Whether PostgreSQL has ended the transaction because of another one's, and says by that that nothing of it stands: the
 * same work may well succeed if it is done again. A connection that broke says no such thing.
 */
export function isConflictOfTransactions(thrown: unknown): boolean {
  return CONFLICTS.has(codeOf(thrown))
}

/**
 * What the caller is told of a failure that is the database's and no mistake of this server's; its `cause` is what was
 * thrown, for the log. Undefined for everything else.
 */
export function databaseFailure(thrown: unknown): ApiError | undefined {
  const failure = failureOf(thrown)
  return failure && Object.assign(failure, { cause: thrown })
}

function failureOf(thrown: unknown): ApiError | undefined {
  if (!(thrown instanceof Error) || thrown instanceof ApiError) return undefined
  const code = codeOf(thrown)
  if (code === QUERY_CANCELED) return new ApiError('TIMEOUT', 'The database took too long')
  if (CONFLICTS.has(code)) return unavailable('Others were changing the same: nothing was changed')
  if (POOL_EXHAUSTED.test(thrown.message)) return unavailable('The server has more to do than it can')
  const isGone = UNAVAILABLE_STATES.has(code) || UNAVAILABLE_CLASSES.has(sqlClassOf(code)) || NETWORK.has(code)
  return isGone || BROKEN.test(thrown.message) ? unavailable('The database cannot be reached now') : undefined
}

/** The first two characters of an SQLSTATE; empty for what is none. */
const sqlClassOf = (code: string): string => (/^[0-9A-Z]{5}$/.test(code) ? code.slice(0, 2) : '')
