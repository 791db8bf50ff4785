import { HeaderMap, type ApolloServer, type BaseContext, type HTTPGraphQLRequest } from '@apollo/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpConfig } from './config.ts'
import { BadRequest } from './body.ts'
import { timedOut, withTimeLimit } from '../deadline.ts'
import { errorBody } from './errors.ts'
import { withStatus } from './graphql.ts'
import { sandboxPolicy } from './headers.ts'
import { responseMediaType } from './media-type.ts'
import type { Pressure } from './pressure.ts'
import { factsOf, requestScope, type RequestFacts } from './request.ts'
import { newScope } from './watch.ts'

/** The context of an operation, made from its request. An `ApiError` that it throws is the answer. */
export type CreateContext<Context> = (facts: RequestFacts) => Promise<Context> | Context

/** What serves an operation. */
interface Serving<Context extends BaseContext> {
  config: HttpConfig
  pressure: Pressure
  apollo: ApolloServer<Context>
  createContext: CreateContext<Context>
}

/** Serves GraphQL at `/graphql`. */
export function graphqlRoute<Context extends BaseContext>(
  app: FastifyInstance,
  { config, pressure, apollo, createContext }: Serving<Context>,
): void {
  const { timeoutMs } = config.limits
  app.decorateRequest('graphql', null)
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    onRequest: (request, reply, done) => {
      // Answers hold tokens and rows: no cache on the way may keep one.
      reply.header('cache-control', 'no-store')
      assertAnswerable(request)
      liftPreflightWhereNoBrowserAsks(request)
      done()
    },
    handler: async (request, reply) => {
      const scope = newScope(request.id)
      request.graphql = scope
      const { limit } = scope
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) limit.leave()
      })
      const context = () => withStatus(() => createContext(factsOf(request, limit)))
      const asked = { httpGraphQLRequest: graphqlRequest(request), context }
      const run = () => requestScope.run(scope, () => apollo.executeHTTPGraphQLRequest(asked))
      const answer = await pressure.bear(() => withTimeLimit(timeoutMs, limit, run))
      if (answer !== timedOut) return send(reply, answer)
      scope.outcome = 'TIMEOUT'
      return sendTimeout(reply, timeoutMs)
    },
  })
  app.route({
    method: ['DELETE', 'HEAD', 'PATCH', 'PUT'],
    url: '/graphql',
    handler: async (_request, reply) => {
      const contentType = 'application/json; charset=utf-8'
      reply.code(405).headers({ allow: 'GET, POST', 'cache-control': 'no-store', 'content-type': contentType })
      return errorBody('BAD_REQUEST', 'GraphQL is served by GET and POST')
    },
  })
}

/** The request as Apollo Server takes it. */
function graphqlRequest({ method, url, headers: given, body }: FastifyRequest): HTTPGraphQLRequest {
  const headers = new HeaderMap()
  for (const name in given) {
    const value = given[name]
    if (value !== undefined) headers.set(name, typeof value === 'string' ? value : value.join(', '))
  }
  const at = url.indexOf('?')
  return { method, headers, search: at === -1 ? '' : url.slice(at), body }
}

type Answer = Awaited<ReturnType<ApolloServer['executeHTTPGraphQLRequest']>>

function send(reply: FastifyReply, { status, headers, body }: Answer): string {
  // Only `@defer` and `@stream` are answered in parts, and the schema has neither.
  if (body.kind !== 'complete') throw new Error('An answer in parts cannot be sent')
  reply.code(status ?? 200)
  for (const [name, value] of headers) reply.header(name, value)
  if (headers.get('content-type') === 'text/html') reply.header('content-security-policy', sandboxPolicy)
  return body.string
}

/** What a Host header is nearly always. */
const plainHost = /^[\w.-]+(:\d{1,5})?$/

/** Refuses what Apollo Server would run first and then not know how to answer, and a Host that is none. */
function assertAnswerable(request: FastifyRequest): void {
  const { host } = request
  if (!plainHost.test(host) && !URL.canParse(`${request.protocol}://${host}/`)) {
    throw new BadRequest(400, 'The Host header is not a host')
  }
  if (request.method === 'POST' && responseMediaType(request.headers.accept) === null) {
    throw new BadRequest(406, 'Accept must allow application/json or application/graphql-response+json')
  }
}

const preflightHeaders = ['x-apollo-operation-name', 'apollo-require-preflight']

/**
 * Apollo Server's CSRF prevention wants a header on each GET that a page of another site could not send without
 * asking. GraphQL over HTTP wants plain GETs to work (audit 5A70). Both hold: the demand is lifted for requests
 * that a browser would not send, or says to be its user's own. Browsers always name themselves, and pages
 * cannot change that without a preflight.
 */
function liftPreflightWhereNoBrowserAsks(request: FastifyRequest): void {
  if (request.method !== 'GET') return
  const { headers } = request
  if (preflightHeaders.some((name) => headers[name] !== undefined)) return
  const site = headers['sec-fetch-site']
  const fromBrowser =
    headers.origin !== undefined || headers.cookie !== undefined || /^Mozilla\//i.test(headers['user-agent'] ?? '')
  const trusted = site === undefined ? !fromBrowser : site === 'same-origin' || site === 'none'
  if (trusted) headers['apollo-require-preflight'] = 'lifted'
}

function sendTimeout(reply: FastifyReply, timeoutMs: number): string {
  reply.code(503).header('content-type', 'application/json; charset=utf-8')
  return errorBody('TIMEOUT', `The operation ran longer than ${timeoutMs} ms`)
}
