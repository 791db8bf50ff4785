import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GraphQLFormattedError } from 'graphql'
import { httpStatusOf, type ErrorCode } from '../errors.ts'
import { isErrorCode, outcomeOfStatus } from '../watching/outcomes.ts'
import type { Denial, EndedRequest, OperationType, RequestMetrics } from '../watching/request-metrics.ts'
import type { RequestSpan, Tracing } from '../watching/tracing.ts'
import { TimeLimit } from '../deadline.ts'
import { requestScope, type RequestScope } from './request.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where nothing is traced. */
    span: RequestSpan | null
  }
}

/** What watches over requests. */
export interface Watching {
  readonly requests: RequestMetrics
  /** Null where nothing is traced. */
  readonly tracing: Tracing | null
}

/** Measures each request of the routes that follow, and traces it where that is configured. */
export function watchRequests(app: FastifyInstance, { requests, tracing }: Watching): void {
  app.decorateRequest('span', null)
  app.addHook('onRequest', (request, reply, done) => {
    if (tracing) request.span = tracing.request(request.method, request.headers)
    // Closed is what every response becomes, also one whose client has gone: `onResponse` is not called for that.
    reply.raw.once('close', () => {
      const ended = endedRequest(request, reply)
      requests.ended(ended)
      for (const denial of request.graphql?.denials ?? []) requests.denied(denial)
      request.span?.end(ended, reply.statusCode)
    })
    done()
  })
  if (!tracing) return
  // Not before: what a body's arrival calls is called from outside the span.
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.span) request.span.run(done)
    else done()
  })
}

function endedRequest({ routeOptions, graphql }: FastifyRequest, reply: FastifyReply): EndedRequest {
  const answered = graphql?.outcome ?? outcomeOfStatus(reply.statusCode)
  return {
    // What was typed may hold anything.
    route: routeOptions.url ?? 'none',
    type: graphql?.type ?? 'none',
    operation: graphql?.trustedName ?? null,
    outcome: reply.raw.writableFinished ? answered : 'aborted',
    seconds: reply.elapsedTime / 1_000,
  }
}

/** What the metrics tell of a GraphQL request. */
export interface WatchedOperation {
  type: OperationType
  /** The name of the operation where its document is trusted: any other is the client's, and tells nobody else anything. */
  trustedName: string | null
  /** Null as long as there is no error. */
  outcome: ErrorCode | null
  denials: Denial[] | null
}

/** A request of which nothing is known yet. */
export function newScope(requestId: string): RequestScope {
  const limit = new TimeLimit()
  return { requestId, operationName: null, limit, type: 'none', trustedName: null, outcome: null, denials: null }
}

/** Notes an error that leaves the server in the answer to a GraphQL request: the first says how it ended, unless one is the server's own. */
export function noteError({ extensions }: GraphQLFormattedError): void {
  const scope = requestScope.getStore()
  const code = extensions?.code
  if (!scope || !isErrorCode(code)) return
  if (scope.outcome === null || httpStatusOf[code] >= 500) scope.outcome = code
  if (code !== 'UNAUTHENTICATED' && code !== 'FORBIDDEN') return
  const reason = extensions?.reason
  scope.denials ??= []
  if (!scope.denials.some((known) => known.code === code && known.reason === reason))
    scope.denials.push({ code, reason })
}
