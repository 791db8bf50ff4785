import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { errorBody } from './errors.ts'

interface Traffic {
  phase: 'serving' | 'draining' | 'refusing'
  inFlight: number
  /** Called when nothing is in flight any more. */
  idle: (() => void) | null
}

const traffic = new WeakMap<FastifyInstance['server'], Traffic>()

export interface DrainOptions {
  /** How long requests are still served after readiness has turned 503, for the load balancer to see it. */
  graceMs: number
  /** How long requests in flight may take after that until their connections are cut. */
  forceMs?: number
}

/** Counts the requests of a server and refuses them once it drains to its end; comes before its routes. */
export function watchTraffic(app: FastifyInstance): void {
  const state: Traffic = { phase: 'serving', inFlight: 0, idle: null }
  traffic.set(app.server, state)
  app.addHook('onRequest', (request, reply, done) => {
    state.inFlight += 1
    // Closed is what every response becomes, also one whose client has gone.
    reply.raw.once('close', () => {
      state.inFlight -= 1
      if (state.inFlight === 0) state.idle?.()
    })
    if (state.phase !== 'serving') reply.header('connection', 'close')
    if (state.phase !== 'refusing' || request.url.startsWith('/health/')) {
      done()
      return
    }
    void reply
      .code(503)
      .headers({ 'content-type': 'application/json; charset=utf-8', 'retry-after': '1' })
      .send(errorBody('UNAVAILABLE', 'The server is shutting down', { retryAfterSeconds: 1 }))
  })
}

/** Whether `drain` has begun. */
export function isDraining(app: FastifyInstance): boolean {
  return traffic.get(app.server)?.phase !== 'serving'
}

/**
 * Ends a server without losing a request: readiness answers 503 while requests are still served for `graceMs`;
 * then new ones are refused with 503 while those in flight finish; then it closes.
 */
export async function drain(app: FastifyInstance, { graceMs, forceMs = 15_000 }: DrainOptions): Promise<void> {
  const state = traffic.get(app.server)
  if (state === undefined) throw new Error('This server was not made by createHttpServer')
  if (state.phase !== 'serving') return
  state.phase = 'draining'
  await sleep(graceMs)
  state.phase = 'refusing'
  const idle = new Promise<void>((resolve) => {
    state.idle = resolve
    if (state.inFlight === 0) resolve()
  })
  await Promise.race([idle, sleep(forceMs, undefined, { ref: false })])
  const closed = app.close()
  app.server.closeAllConnections()
  await closed
}
