import type { ApolloServerPlugin, BaseContext } from '@apollo/server'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { Logger } from 'pino'
import { noTrustedDocuments, type TrustedDocuments } from '../documents/trusted-documents.ts'
import { httpStatusOf, type ApiError } from '../errors.ts'
import type { OAuthEndpoints } from '../oauth/endpoints.ts'
import { acceptJsonBodies, BadRequest } from './body.ts'
import { answerClientErrors } from './client-errors.ts'
import type { HttpConfig } from './config.ts'
import { watchTraffic } from './drain.ts'
import { createFormatError, errorBody, logCause, unavailabilityIn, type FormatError } from './errors.ts'
import { graphiqlRoutes } from './graphiql.ts'
import { startApollo } from './graphql.ts'
import { allowOrigins, secureHeaders } from './headers.ts'
import { healthRoutes, type Readiness } from './health.ts'
import { describeError } from './log.ts'
import { oauthRoutes } from './oauth.ts'
import { refuseUnderPressure, watchPressure, type Pressure } from './pressure.ts'
import { rateLimitHeaders } from './rate-limit-headers.ts'
import { factsOf, requestIdOf, type RequestFacts } from './request.ts'
import { graphqlRoute, type CreateContext } from './route.ts'
import { headersOfError } from './status.ts'
import { watchRequests, type Watching } from './watch.ts'

export interface HttpServerOptions<Context extends BaseContext> {
  config: HttpConfig
  log: Logger
  schema: GraphQLSchema
  createContext: CreateContext<Context>
  /** Counts a request that was refused before it had a context. */
  countRefused: (facts: RequestFacts) => Promise<void>
  /** Given `formatError`, so that a plugin that executes by itself can format errors by the same rules. */
  plugins: ApolloServerPlugin<Context>[] | ((formatError: FormatError) => ApolloServerPlugin<Context>[])
  /** The documents that are known beforehand. Left out: there are none. */
  documents?: TrustedDocuments
  readiness: Readiness
  /** Null: none is served. */
  oauth: OAuthEndpoints | null
  /** The JSON Web Key Set to publish. */
  jwks: () => unknown
  /** Left out: nobody watches. */
  watching?: Watching
}

// How often the server looks for requests that have not arrived in time: they are refused that much late, at most.
const slowRequestsCheckMs = 1_000

/** Builds the server with all of its routes. It does not listen yet; `drain` ends it. */
export async function createHttpServer<Context extends BaseContext>(
  options: HttpServerOptions<Context>,
): Promise<FastifyInstance> {
  const { config, log } = options
  const app = fastify({
    logger: false,
    bodyLimit: config.bodyLimitBytes,
    // Fastify ignores a bare number; hop 0 is the peer itself, whose word about the next address is taken.
    trustProxy: config.trustProxyHops > 0 && ((_address, hop) => hop < config.trustProxyHops),
    requestTimeout: config.requestTimeoutMs,
    http: { headersTimeout: config.requestTimeoutMs, connectionsCheckingInterval: slowRequestsCheckMs },
    clientErrorHandler: answerClientErrors(config),
    genReqId: requestIdOf,
    requestIdHeader: false,
    // Raised before there is a route, for URLs that cannot be decoded.
    frameworkErrors: (_error, _request, reply) => {
      reply.raw.writeHead(400, { 'content-type': 'application/json' })
      reply.raw.end(errorBody('BAD_REQUEST', 'The URL is not valid'))
    },
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => sendError(error, request, reply, options))
  app.setNotFoundHandler((_request, reply) => sendJson(reply, 404, errorBody('BAD_REQUEST', 'There is nothing here')))
  logRequests(app, log)
  if (options.watching) watchRequests(app, options.watching)
  await secureHeaders(app, config)
  watchTraffic(app)
  await allowOrigins(app, config)
  acceptJsonBodies(app)
  healthRoutes(app, options.readiness, options.jwks)
  const pressure = watchPressure(app, config.pressure)
  if (options.oauth) await oauthRoutes(app, options.oauth, { ...options, pressure })
  if (config.graphiql) graphiqlRoutes(app, config)
  await serveGraphql(app, pressure, options)
  return app
}

async function serveGraphql<Context extends BaseContext>(
  app: FastifyInstance,
  pressure: Pressure,
  {
    config,
    log,
    schema,
    createContext,
    countRefused,
    plugins,
    documents = noTrustedDocuments,
  }: HttpServerOptions<Context>,
): Promise<void> {
  const { maxTokens } = config.limits
  const formatError = createFormatError({ log, maxTokens, hideSuggestions: config.production })
  const given = typeof plugins === 'function' ? plugins(formatError) : plugins
  const apollo = await startApollo({ config, log, schema, plugins: given, formatError, documents })
  await app.register(async (scope) => {
    refuseUnderPressure(scope, pressure)
    rateLimitHeaders(scope, (request) => countRefused(factsOf(request)))
    graphqlRoute(scope, { config, pressure, apollo, createContext })
  })
  app.addHook('onClose', () => apollo.stop())
}

/** One line a request: no query string, header or body, which is where secrets travel. */
function logRequests(app: FastifyInstance, log: Logger): void {
  app.addHook('onResponse', (request, reply, done) => {
    done()
    if (!log.isLevelEnabled(reply.statusCode >= 500 ? 'warn' : 'info')) return
    const line = {
      requestId: request.id,
      method: request.method,
      // The route, not what was typed: a path that is none may hold anything.
      path: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      ...(request.graphql?.operationName ? { operationName: request.graphql.operationName } : {}),
      ...(request.span ? { traceId: request.span.traceId } : {}),
    }
    if (reply.statusCode >= 500) log.warn(line, 'request')
    else log.info(line, 'request')
  })
}

const refusals: Partial<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be application/json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON',
}

/** Answers what was refused or failed outside GraphQL, in the form of a GraphQL error. */
function sendError<Context extends BaseContext>(
  error: FastifyError | BadRequest,
  request: FastifyRequest,
  reply: FastifyReply,
  { config, log }: HttpServerOptions<Context>,
): FastifyReply {
  const status = error.statusCode ?? 500
  if (status === 413) {
    const extensions = { limit: 'bodyBytes', maximum: config.bodyLimitBytes }
    const message = `The body is larger than the limit: ${config.bodyLimitBytes} bytes`
    return sendJson(reply, 413, errorBody('OPERATION_TOO_LARGE', message, extensions))
  }
  if (status >= 400 && status < 500) {
    const code = 'code' in error ? error.code : ''
    const message = error instanceof BadRequest ? error.message : (refusals[code] ?? 'The request is not valid')
    return sendJson(reply, status, errorBody('BAD_REQUEST', message))
  }
  const requestId = request.id
  const failure = unavailabilityIn(error)
  if (failure) return sendFailure(failure, request, reply, log)
  log.error({ requestId, error: describeError(error) }, 'internal error')
  return sendJson(reply, 500, errorBody('INTERNAL_SERVER_ERROR', 'Internal server error', { requestId }))
}

function sendFailure(failure: ApiError, request: FastifyRequest, reply: FastifyReply, log: Logger): FastifyReply {
  const { code, message, extensions } = failure
  logCause(log, failure, request.id)
  const status = httpStatusOf[code]
  for (const [name, value] of headersOfError({ message, extensions }, status)) reply.header(name, value)
  return sendJson(reply, status, errorBody(code, message, extensions))
}

function sendJson(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(body)
}
