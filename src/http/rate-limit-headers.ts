import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Quota } from '../rate-limits/rate-limits.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What is left of the limits that the request was counted under, by their policies. */
    quotas: Map<string, Quota> | null
  }
}

/** Tells what is left of a limit in the headers of the request's answer. */
export function tellQuota(request: FastifyRequest, quota: Quota): void {
  request.quotas?.set(quota.policy, quota)
}

/**
 * Puts `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) on each answer of the routes that follow in
 * this context. What was refused before anybody could be identified is counted by `countRefused`.
 */
export function rateLimitHeaders(app: FastifyInstance, countRefused: (request: FastifyRequest) => Promise<void>): void {
  app.decorateRequest('quotas', null)
  app.addHook('onRequest', (request, _reply, done) => {
    request.quotas = new Map()
    done()
  })
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { quotas } = request
    // Refused before it was looked at, since the server has too much to do as it is: not even counted.
    if (quotas === null) {
      done()
      return
    }
    const tell = () => {
      if (quotas.size > 0) reply.headers(headersOf([...quotas.values()]))
      done()
    }
    if (quotas.size > 0) tell()
    // It has its answer, whatever the count says.
    else countRefused(request).then(tell, tell)
  })
}

function headersOf(quotas: readonly Quota[]): Record<string, string> {
  const policies = quotas.map(({ policy, limit, windowSeconds }) => `"${policy}";q=${limit};w=${windowSeconds}`)
  const left = quotas.map(({ policy, remaining, resetSeconds }) => `"${policy}";r=${remaining};t=${resetSeconds}`)
  return { 'ratelimit-policy': policies.join(', '), ratelimit: left.join(', ') }
}
