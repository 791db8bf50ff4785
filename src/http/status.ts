import type { ApolloServerPlugin, BaseContext, GraphQLRequestListener } from '@apollo/server'
import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql'
import { httpStatusOf, type ErrorCode } from '../errors.ts'
import type { CostedRequest, ReportCost } from './cost-report.ts'
import { responseMediaType, type ResponseMediaType } from './media-type.ts'

/** Faults of the document or its variables, for which `application/json` answers 200 (GraphQL over HTTP §6.4.1). */
const documentFaults: ReadonlySet<string> = new Set<ErrorCode>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_USER_INPUT',
])

/** Steps of Apollo's protocol for persisted queries, whose clients expect 200 of them whatever they accept. */
const protocolSteps: ReadonlySet<string> = new Set<ErrorCode>([
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
])

/** What stops an operation as a whole, so that caches, proxies and clients should know it by the status. */
const stops: ReadonlySet<number> = new Set([401, 403, 429, 503])

/**
 * The HTTP status of a result. Data that is not null is 2xx (a MUST of §6.4.2 for
 * `application/graphql-response+json`); for `application/json`, where every root field is null because of
 * errors that all say 401, 403, 429 or 503, that status is told. Without data, the decisive error's status is.
 */
export function statusOf(result: FormattedExecutionResult, mediaType: ResponseMediaType): number {
  const errors = result.errors ?? []
  const decisive = decisiveError(errors)
  if (decisive === undefined) return 200
  const status = statusOfError(decisive)
  if (result.data) {
    const told = mediaType === 'application/json' && isEmpty(result.data) && stops.has(status)
    return told && errors.every((error) => statusOfError(error) === status) ? status : 200
  }
  if (result.data === null || protocolSteps.has(codeOf(decisive))) return status
  if (errors.some((error) => codeOf(error) === 'OPERATION_TOO_LARGE')) return 400
  if (!documentFaults.has(codeOf(decisive))) return Math.max(status, 400)
  return mediaType === 'application/json' ? 200 : 400
}

/** Who has to authenticate first need not know yet what else is wrong. */
function decisiveError(errors: readonly GraphQLFormattedError[]): GraphQLFormattedError | undefined {
  return errors.find((error) => codeOf(error) === 'UNAUTHENTICATED') ?? errors[0]
}

const isEmpty = (data: Record<string, unknown>): boolean => Object.values(data).every((value) => value === null)

function codeOf(error: GraphQLFormattedError): string {
  return String(error.extensions?.code)
}

function statusOfError(error: GraphQLFormattedError): number {
  const code = codeOf(error)
  return code in httpStatusOf ? httpStatusOf[code as ErrorCode] : 500
}

/** The headers that an error's status demands: how to authenticate, when to try again. */
export function headersOfError(error: GraphQLFormattedError | undefined, status: number): [string, string][] {
  if (status === 401) return [['www-authenticate', challenge(error?.extensions?.reason)]]
  const seconds = error?.extensions?.retryAfterSeconds
  return (status === 429 || status === 503) && typeof seconds === 'number' ? [['retry-after', String(seconds)]] : []
}

const refusedTokens: ReadonlySet<unknown> = new Set(['MALFORMED', 'INVALID', 'EXPIRED', 'REVOKED'])

function challenge(reason: unknown): string {
  // RFC 6750 §3.1: no error code where no token was presented.
  const error = refusedTokens.has(reason) ? ', error="invalid_token"' : ''
  return `Bearer realm="tenantry"${error}`
}

/**
 * Sets the status, its headers and the media type of every answer that an operation gave. It stands last among
 * the plugins, to see what the others made of the answer; the gate and the cost's report are part of it, since each plugin
 * costs each request.
 */
export function httpStatus(gate: OperationGate, reportCost: ReportCost): ApolloServerPlugin {
  const willSendResponse = async (answer: HttpAnswer): Promise<void> => {
    const { request, response } = answer
    const mediaType = responseMediaType(request.http?.headers.get('accept')) ?? 'application/json'
    response.http.headers.set('content-type', `${mediaType}; charset=utf-8`)
    if (response.body?.kind !== 'single' || response.http.status === 405) return
    const result = response.body.singleResult
    reportCost(answer, result)
    const status = statusOf(result, mediaType)
    response.http.status = status
    for (const [name, value] of headersOfError(decisiveError(result.errors ?? []), status))
      response.http.headers.set(name, value)
  }
  const listener = { didResolveOperation: gate, willSendResponse }
  return { requestDidStart: async () => listener }
}

/** Asked before an operation is executed. */
export type OperationGate = NonNullable<GraphQLRequestListener<BaseContext>['didResolveOperation']>

interface HttpAnswer extends CostedRequest {
  response: {
    http: { status?: number; headers: Map<string, string> }
    body?: { kind: 'single'; singleResult: FormattedExecutionResult } | { kind: 'incremental' }
  }
}
