import { isUtf8 } from 'node:buffer'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { OAuthEndpoints } from '../oauth/endpoints.ts'
import { oauthPaths } from '../oauth/metadata.ts'
import { OAuthError } from '../oauth/oauth-error.ts'
import { describeError } from './log.ts'
import { rateLimitHeaders } from './rate-limit-headers.ts'
import { factsOf, type RequestFacts } from './request.ts'

const MEDIA_TYPE = 'application/x-www-form-urlencoded'

interface Surroundings {
  /** Counts a request that was refused before it had a client. */
  countRefused: (facts: RequestFacts) => Promise<void>
  log: Logger
}

/** Serves OAuth 2.0 and its metadata. */
export async function oauthRoutes(
  app: FastifyInstance,
  { discovery, token, revoke, introspect }: OAuthEndpoints,
  { countRefused, log }: Surroundings,
): Promise<void> {
  if (discovery) {
    app.get(discovery.path, async (_request, reply) => {
      reply.headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'public, max-age=300' })
      return JSON.stringify(discovery.document)
    })
  }
  await app.register(async (scope) => {
    rateLimitHeaders(scope, (request) => countRefused(factsOf(request)))
    acceptForms(scope)
    scope.setErrorHandler<FastifyError>((error, request, reply) => sendError(error, request, reply, log))
    const serve = (url: string, endpoint: (facts: RequestFacts, body: string) => Promise<unknown>) => {
      scope.post(url, async (request, reply) => {
        // RFC 6749 §5.1: nobody may keep what is answered.
        reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
        const answer = await endpoint(factsOf(request), typeof request.body === 'string' ? request.body : '')
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

/** Takes forms in UTF-8 and nothing else. No cookie goes with a form of another site: there is nothing for it to misuse. */
function acceptForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(MEDIA_TYPE, { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (isUtf8(body)) done(null, body.toString())
    else done(new OAuthError('invalid_request', 'The body is not valid UTF-8'))
  })
}

function sendError(error: FastifyError | OAuthError, request: FastifyRequest, reply: FastifyReply, log: Logger) {
  reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
  if (error instanceof OAuthError) {
    // RFC 6749 §5.2, RFC 9110 §11.6.1.
    if (error.status === 401) reply.header('www-authenticate', 'Basic realm="tenantry", charset="UTF-8"')
    if (error.retryAfterSeconds !== null) reply.header('retry-after', String(error.retryAfterSeconds))
    return send(reply, error.status, error.body)
  }
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) {
    return send(reply, status, { error: 'invalid_request', error_description: `The body must be ${MEDIA_TYPE}` })
  }
  const requestId = request.id
  log.error({ requestId, error: describeError(error) }, 'internal error')
  return send(reply, 500, { error: 'server_error', error_description: `Internal server error, request ${requestId}` })
}

function send(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
}
