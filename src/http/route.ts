import type { ApolloServer, BaseContext } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpConfig } from './config.ts'
import { BadRequest } from './body.ts'
import { errorBody } from './errors.ts'
import { withStatus } from './graphql.ts'
import { sandboxPolicy } from './headers.ts'
import { responseMediaType } from './media-type.ts'
import { factsOf, requestScope, type RequestFacts, type RequestScope } from './request.ts'

declare module 'fastify' {
  interface FastifyRequest {
    graphql: (RequestScope & { timeout: AbortController }) | null
  }
}

/** The context of an operation, made from its request. An `ApiError` that it throws is the answer. */
export type CreateContext<Context> = (facts: RequestFacts) => Promise<Context> | Context

/** Serves GraphQL at `/graphql`. */
export function graphqlRoute<Context extends BaseContext>(
  app: FastifyInstance,
  config: HttpConfig,
  apollo: ApolloServer<Context>,
  createContext: CreateContext<Context>,
): void {
  const { timeoutMs } = config.limits
  const answer = fastifyApolloHandler(apollo, {
    context: (request) => withStatus(() => createContext(factsOf(request, timeoutOf(request).signal))),
  })
  app.decorateRequest('graphql', null)
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    onRequest: async (request) => assertAnswerable(request),
    preHandler: async (request) => liftPreflightWhereNoBrowserAsks(request),
    handler: async (request, reply) => {
      const scope = { requestId: request.id, operationName: null, timeout: new AbortController() }
      request.graphql = scope
      const run = async (): Promise<unknown> => answer.call(app, request, reply)
      const result = await withTimeout(timeoutMs, scope.timeout, () => requestScope.run(scope, run))
      return result === timedOut ? sendTimeout(reply, timeoutMs) : result
    },
    onSend: async (_request, reply) => {
      // Answers hold tokens and rows: no cache on the way may keep one.
      reply.header('cache-control', 'no-store')
      if (reply.getHeader('content-type') === 'text/html') reply.header('content-security-policy', sandboxPolicy)
    },
  })
  app.route({
    method: ['DELETE', 'HEAD', 'PATCH', 'PUT'],
    url: '/graphql',
    handler: async (_request, reply) => {
      reply.code(405).headers({ allow: 'GET, POST', 'content-type': 'application/json; charset=utf-8' })
      return errorBody('BAD_REQUEST', 'GraphQL is served by GET and POST')
    },
  })
}

function timeoutOf(request: FastifyRequest): AbortController {
  if (request.graphql === null) throw new Error('The request is not being answered')
  return request.graphql.timeout
}

/** Refuses what Apollo Server would stumble over, or would run first and then not know how to answer. */
function assertAnswerable(request: FastifyRequest): void {
  // The integration builds a URL from the Host header, whatever that holds.
  if (!URL.canParse(request.url, `${request.protocol}://${request.hostname}/`)) {
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
  const { headers } = request
  if (request.method !== 'GET' || preflightHeaders.some((name) => headers[name] !== undefined)) return
  const site = headers['sec-fetch-site']
  const fromBrowser =
    headers.origin !== undefined || headers.cookie !== undefined || /^Mozilla\//i.test(headers['user-agent'] ?? '')
  const trusted = site === undefined ? !fromBrowser : site === 'same-origin' || site === 'none'
  if (trusted) headers['apollo-require-preflight'] = 'lifted'
}

const timedOut = Symbol('timed out')

/** The loser of the race goes on, and what becomes of it is dropped: the answer is sent once. */
async function withTimeout<Result>(
  timeoutMs: number,
  controller: AbortController,
  run: () => Promise<Result>,
): Promise<Result | typeof timedOut> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(() => {
      resolve(timedOut)
      controller.abort()
    }, timeoutMs)
    // After the server has closed, an operation that never ends must not keep the process.
    timer.unref()
  })
  try {
    return await Promise.race([run(), timeout])
  } finally {
    clearTimeout(timer)
  }
}

function sendTimeout(reply: FastifyReply, timeoutMs: number): string {
  reply.code(503).header('content-type', 'application/json; charset=utf-8')
  return errorBody('TIMEOUT', `The operation ran longer than ${timeoutMs} ms`)
}
