import { ApolloServerErrorCode, ApolloServerValidationErrorCode } from '@apollo/server/errors'
import { GraphQLError, Kind, type GraphQLFormattedError } from 'graphql'
import type { Logger } from 'pino'
import { databaseFailure } from '../database/failures.ts'
import { ApiError, badUserInput, type BadInput, type ErrorCode } from '../errors.ts'
import { describeError } from './log.ts'
import { withoutToken, withoutValue } from './reasons.ts'
import { requestScope } from './request.ts'
import { noteError } from './watch.ts'

/** What turns an error into its public form; Apollo Server's `formatError`. It never throws. */
export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError

export interface FormatErrorOptions {
  log: Logger
  maxTokens: number
  /** Takes "Did you mean" out of messages: it tells names of a schema that may not be introspected. */
  hideSuggestions: boolean
}

/**
 * Makes the one place where errors leave the server. An `ApiError` passes whole. A refusal by GraphQL or Apollo
 * Server itself passes under its code of `ErrorCode`. Everything else is logged, and answered as internal with
 * the request's id alone.
 */
export function createFormatError(options: FormatErrorOptions): FormatError {
  return (formatted, error) => {
    const told = toldOf(formatted, error, options)
    noteError(told)
    return told
  }
}

function toldOf(formatted: GraphQLFormattedError, error: unknown, options: FormatErrorOptions): GraphQLFormattedError {
  try {
    return publicError(formatted, error, options) ?? internalError(formatted, error, options.log)
  } catch (failure) {
    return internalError(formatted, failure, options.log)
  }
}

function publicError(
  formatted: GraphQLFormattedError,
  error: unknown,
  options: FormatErrorOptions,
): GraphQLFormattedError | undefined {
  const thrown: unknown = error instanceof GraphQLError ? error.originalError : error
  const api = apiErrorIn(error) ?? databaseFailure(thrown)
  if (api !== undefined) {
    logCause(options.log, api, requestScope.getStore()?.requestId)
    return inPlaceOf(formatted, api)
  }
  const argument = argumentErrorIn(error)
  if (argument !== undefined) return inPlaceOf(formatted, argument)
  // A resolver's error has a path. Whatever code it carries is not this server's: it may be a library's.
  if (formatted.path !== undefined || !(error instanceof GraphQLError)) return undefined
  return refusal(formatted, error, options)
}

function inPlaceOf(
  { locations, path }: GraphQLFormattedError,
  { message, extensions }: ApiError,
): GraphQLFormattedError {
  const { http: _http, ...told } = extensions
  return { message, ...(locations && { locations }), ...(path && { path }), extensions: told }
}

/** graphql-js and Apollo Server wrap what was thrown, the latter under a code of its own. */
function apiErrorIn(error: unknown): ApiError | undefined {
  let candidate = error
  for (let wrappers = 0; wrappers < 5; wrappers += 1) {
    if (candidate instanceof ApiError) return candidate
    if (!(candidate instanceof GraphQLError)) return undefined
    candidate = candidate.originalError
  }
  return undefined
}

/** The log is told what stands behind an answer that does not tell it: what has happened to the database. */
export function logCause(log: Logger, { cause }: ApiError, requestId: string | undefined): void {
  if (cause !== undefined) log.warn({ requestId, error: describeError(cause) }, 'the database failed a request')
}

function refusal(
  formatted: GraphQLFormattedError,
  error: GraphQLError,
  options: FormatErrorOptions,
): GraphQLFormattedError | undefined {
  const { locations } = formatted
  const told = (code: ErrorCode, message: string, extensions = {}): GraphQLFormattedError => ({
    message: options.hideSuggestions ? message.replace(/\s*Did you mean[\s\S]*$/, '') : message,
    ...(locations && { locations }),
    extensions: { code, ...extensions },
  })
  switch (error.extensions.code) {
    case ApolloServerErrorCode.GRAPHQL_PARSE_FAILED:
      return isTokenLimit(error)
        ? // The lexer stops at the first token too many, so that is all that is known of the actual number.
          told('OPERATION_TOO_LARGE', `The operation exceeds the limit on its tokens: ${options.maxTokens}`, {
            limit: 'tokens',
            maximum: options.maxTokens,
            actual: options.maxTokens + 1,
          })
        : told('GRAPHQL_PARSE_FAILED', withoutToken(error.message))
    case ApolloServerErrorCode.GRAPHQL_VALIDATION_FAILED:
      return told('GRAPHQL_VALIDATION_FAILED', validationMessage(error))
    case ApolloServerErrorCode.OPERATION_RESOLUTION_FAILURE:
      return told('OPERATION_RESOLUTION_FAILURE', error.message.replace(/ named "[\s\S]*"\.$/, ' name.'))
    case ApolloServerErrorCode.BAD_REQUEST:
      return told('BAD_REQUEST', error.message.trim())
    // Clients go by the code or by the message, and by either alone.
    case ApolloServerErrorCode.PERSISTED_QUERY_NOT_SUPPORTED:
    case ApolloServerErrorCode.PERSISTED_QUERY_NOT_FOUND:
      return told(error.extensions.code, error.message)
    default:
      return variableRefusal(error, told)
  }
}

const isTokenLimit = (error: GraphQLError): boolean =>
  /^Syntax Error: Document contains more tha[nt] \d+ tokens/.test(error.message)

/** What a value is written as; an error that names no node is taken to be about one. */
const values: ReadonlySet<unknown> = new Set([
  undefined,
  Kind.STRING,
  Kind.INT,
  Kind.FLOAT,
  Kind.BOOLEAN,
  Kind.ENUM,
  Kind.NULL,
  Kind.LIST,
  Kind.OBJECT,
  // What a key holds is as unknown as a value.
  Kind.OBJECT_FIELD,
])

/** Names of the document are told to who wrote it; its values are not, which may be a password in the wrong place. */
function validationMessage(error: GraphQLError): string {
  if (error.extensions.validationErrorCode === ApolloServerValidationErrorCode.INTROSPECTION_DISABLED) {
    return 'Introspection is disabled on this server'
  }
  if (!values.has(error.nodes?.[0]?.kind)) return error.message
  const reason = withoutValue(error.message) ?? 'a value is not accepted'
  return reason.charAt(0).toUpperCase() + reason.slice(1)
}

function variableRefusal(
  error: GraphQLError,
  told: (code: ErrorCode, message: string, extensions?: object) => GraphQLFormattedError,
): GraphQLFormattedError | undefined {
  if (error.message.startsWith('Too many errors processing variables')) return told('BAD_USER_INPUT', error.message)
  if (error.extensions.code !== ApolloServerErrorCode.BAD_USER_INPUT) return undefined
  const input = badVariable(error)
  return input && told('BAD_USER_INPUT', badUserInput(input).message, { inputs: [input] })
}

const quotedVariable = /^Variable "\$(\w+)" /

/**
 * Where and why a variable is not accepted. graphql-js writes it into a sentence that quotes the value, which
 * may be a password: path and reason are taken from around it.
 */
function badVariable(error: GraphQLError): BadInput | undefined {
  const name = quotedVariable.exec(error.message)?.[1]
  if (name === undefined) return undefined
  const cause = error.originalError
  if (cause && error.message.endsWith(`; ${cause.message}`)) {
    const prefix = error.message.slice(0, -cause.message.length - 2)
    const printedPath = / at "([^"]+)"$/.exec(prefix)?.[1]
    const path = printedPath === undefined ? [name] : parsePath(printedPath)
    return { path, reason: withoutValue(cause.message) ?? 'is not accepted' }
  }
  const required = withoutValue(error.message.replace(quotedVariable, ''))
  return { path: [name], reason: `value ${required ?? 'is not accepted'}` }
}

function parsePath(printed: string): (string | number)[] {
  const keys = printed.split(/[.[\]]+/).filter((key) => key !== '')
  return keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key))
}

/** An argument that only its execution found to be bad: a variable's null where it takes none, or a literal with one in it. */
function argumentErrorIn(error: unknown): ApiError | undefined {
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : undefined
  if (!(original instanceof GraphQLError) || original.extensions.code !== undefined) return undefined
  const name = /^Argument "(\w+)" /.exec(original.message)?.[1]
  // Only graphql-js itself knows the nodes: a resolver's error of the same words does not pass.
  const byGraphql = original.nodes?.some(
    ({ kind }) => kind === Kind.VARIABLE || kind === Kind.FIELD || values.has(kind),
  )
  if (name === undefined || byGraphql !== true) return undefined
  const reason = withoutValue(original.message.replace(/^Argument "\w+" /, '')) ?? 'is not accepted'
  return badUserInput({ path: [name], reason })
}

function internalError({ path }: GraphQLFormattedError, error: unknown, log: Logger): GraphQLFormattedError {
  const requestId = requestScope.getStore()?.requestId
  try {
    const thrown = error instanceof GraphQLError ? (error.originalError ?? error) : error
    log.error({ requestId, field: fieldOf(error), error: describeError(thrown) }, 'internal error')
  } catch {
    // The answer matters more than its log line.
  }
  const message = 'Internal server error'
  return { message, ...(path && { path }), extensions: { code: 'INTERNAL_SERVER_ERROR', requestId } }
}

/** The field that failed, by its name in the schema: an error's path consists of aliases, which may be anything. */
function fieldOf(error: unknown): string | undefined {
  const node = error instanceof GraphQLError ? error.nodes?.[0] : undefined
  return node?.kind === Kind.FIELD ? node.name.value : undefined
}

/** What was thrown outside GraphQL and means that the server cannot serve now. */
export function unavailabilityIn(error: unknown): ApiError | undefined {
  return error instanceof ApiError && error.code === 'UNAVAILABLE' ? error : databaseFailure(error)
}

/** The body of an answer that no GraphQL operation gave. */
export function errorBody(code: ErrorCode, message: string, extensions: object = {}): string {
  return JSON.stringify({ errors: [{ message, extensions: { code, ...extensions } }] })
}
