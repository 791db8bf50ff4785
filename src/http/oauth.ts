import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { OAuthEndpoints } from '../oauth/endpoints.ts'
import { oauthPaths, WELL_KNOWN, type Discovery } from '../oauth/metadata.ts'
import { OAuthError } from '../oauth/oauth-error.ts'
import { assertUtf8, BadRequest } from './body.ts'
import { logCause, unavailabilityIn } from './errors.ts'
import { describeError } from './log.ts'
import { refuseUnderPressure, type Pressure } from './pressure.ts'
import { rateLimitHeaders } from './rate-limit-headers.ts'
import { factsOf, type RequestFacts } from './request.ts'

const MEDIA_TYPE = 'application/x-www-form-urlencoded'

interface Surroundings {
  /** Counts a request that was refused before it had a client. */
  countRefused: (facts: RequestFacts) => Promise<void>
  log: Logger
  pressure: Pressure
}

/** Serves OAuth 2.0 and its metadata. */
export async function oauthRoutes(
  app: FastifyInstance,
  { discovery, token, revoke, introspect }: OAuthEndpoints,
  { countRefused, log, pressure }: Surroundings,
): Promise<void> {
  if (discovery) discoveryRoute(app, discovery)
  await app.register(async (scope) => {
    refuseUnderPressure(scope, pressure)
    rateLimitHeaders(scope, (request) => countRefused(factsOf(request)))
    acceptForms(scope)
    scope.addHook('onRequest', async (_request, reply) => {
      // RFC 6749 §5.1: nobody may keep what is answered.
      reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    })
    scope.setErrorHandler<FastifyError>((error, request, reply) => sendError(error, request, reply, log))
    const serve = (url: string, endpoint: (facts: RequestFacts, body: string) => Promise<unknown>) => {
      scope.post(url, async (request, reply) => {
        const body = typeof request.body === 'string' ? request.body : ''
        const answer = await pressure.bear(() => endpoint(factsOf(request), body))
        return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer ?? {}))
      })
      scope.route({
        method: ['DELETE', 'GET', 'PATCH', 'PUT'],
        url,
        handler: async (_request, reply) => {
          reply.header('allow', 'POST')
          return send(reply, 405, { error: 'invalid_request', error_description: 'The endpoint takes POST' })
        },
      })
    }
    serve(oauthPaths.token, token)
    serve(oauthPaths.revocation, revoke)
    serve(oauthPaths.introspection, introspect)
  })
}

/** The issuer's path is compared, not matched: to the router, some of its characters would be patterns. */
function discoveryRoute(app: FastifyInstance, { path, document }: Discovery): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (request.url.split('?')[0] !== path) {
      reply.callNotFound()
      return
    }
    reply.headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'public, max-age=300' })
    await reply.send(JSON.stringify(document))
  }
  app.get(WELL_KNOWN, answer)
  app.get(`${WELL_KNOWN}/*`, answer)
}

/** Takes forms in UTF-8 and nothing else. No cookie goes with a form of another site: there is nothing for it to misuse. */
function acceptForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(MEDIA_TYPE, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    assertUtf8(request, body)
    return body.toString()
  })
}

function sendError(
  error: FastifyError | OAuthError | BadRequest,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
) {
  if (error instanceof OAuthError) {
    // RFC 6749 §5.2, RFC 9110 §11.6.1.
    if (error.status === 401) reply.header('www-authenticate', 'Basic realm="tenantry", charset="UTF-8"')
    if (error.retryAfterSeconds !== null) reply.header('retry-after', String(error.retryAfterSeconds))
    return send(reply, error.status, error.body)
  }
  const failure = unavailabilityIn(error)
  if (failure) {
    logCause(log, failure, request.id)
    const seconds = Number(failure.extensions.retryAfterSeconds ?? 1)
    reply.header('retry-after', String(seconds))
    return send(reply, 503, new OAuthError('temporarily_unavailable', failure.message, seconds).body)
  }
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) {
    const told = status === 413 ? 'The body is too large' : `The body must be ${MEDIA_TYPE}`
    const error_description = error instanceof BadRequest ? error.message : told
    return send(reply, status, { error: 'invalid_request', error_description })
  }
  const requestId = request.id
  log.error({ requestId, error: describeError(error) }, 'internal error')
  return send(reply, 500, { error: 'server_error', error_description: `Internal server error, request ${requestId}` })
}

function send(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
}
