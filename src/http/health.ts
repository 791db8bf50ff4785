import type { FastifyInstance } from 'fastify'
import { isDraining } from './drain.ts'

/**
 * The state of each thing that the server needs, `ok` or what is wrong with it. What begins with `degraded` needs somebody's
 * attention, and is no reason to send requests elsewhere: elsewhere it is the same.
 */
export type Readiness = () => Promise<Record<string, string>>

const readinessTimeoutMs = 5000
/** Anybody may ask, as often as they like, and the database would have to answer. */
const READINESS_KEPT_MS = 1_000

/** Asks once for all who ask at the same time or shortly after. */
function keptFor<T>(keptMs: number, ask: () => Promise<T>): () => Promise<T> {
  let asked: { at: number; answer: Promise<T> } | null = null
  return () => {
    const now = performance.now()
    if (!asked || now - asked.at > keptMs) asked = { at: now, answer: ask() }
    return asked.answer
  }
}

/** Routes for whoever runs the server: does it live, should it get requests, and which keys sign its tokens. */
export function healthRoutes(app: FastifyInstance, readiness: Readiness, jwks: () => unknown): void {
  const checks = keptFor(READINESS_KEPT_MS, () => checksOf(readiness))
  app.get('/health/live', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return { status: 'ok' }
  })
  app.get('/health/ready', async (_request, reply) => {
    const found = isDraining(app) ? { draining: 'the server is shutting down' } : await checks()
    const status = statusOf(Object.values(found))
    reply.code(status === 'unavailable' ? 503 : 200).header('cache-control', 'no-store')
    return { status, checks: found }
  })
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    // RFC 7517 §8.5.2. Verifiers look again when they meet an unknown `kid`, so a new key needs no waiting.
    reply.headers({ 'content-type': 'application/jwk-set+json; charset=utf-8', 'cache-control': 'public, max-age=300' })
    return JSON.stringify(jwks())
  })
}

function statusOf(states: readonly string[]): 'ok' | 'degraded' | 'unavailable' {
  const wrong = states.filter((state) => state !== 'ok')
  if (wrong.length === 0) return 'ok'
  return wrong.every((state) => state.startsWith('degraded')) ? 'degraded' : 'unavailable'
}

async function checksOf(readiness: Readiness): Promise<Record<string, string>> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<Record<string, string>>((resolve) => {
    timer = setTimeout(resolve, readinessTimeoutMs, { readiness: 'timed out' })
  })
  try {
    return await Promise.race([readiness(), timeout])
  } catch {
    return { readiness: 'failed' }
  } finally {
    clearTimeout(timer)
  }
}
