import type { FastifyInstance } from 'fastify'
import { isDraining } from './drain.ts'

/** The state of each thing that the server needs, `ok` or what is wrong with it. */
export type Readiness = () => Promise<Record<string, string>>

const readinessTimeoutMs = 5000

/** Routes for whoever runs the server: does it live, should it get requests, and which keys sign its tokens. */
export function healthRoutes(app: FastifyInstance, readiness: Readiness, jwks: () => unknown): void {
  app.get('/health/live', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return { status: 'ok' }
  })
  app.get('/health/ready', async (_request, reply) => {
    const checks = isDraining(app) ? { draining: 'the server is shutting down' } : await checksOf(readiness)
    const ready = Object.values(checks).every((state) => state === 'ok')
    reply.code(ready ? 200 : 503).header('cache-control', 'no-store')
    return { status: ready ? 'ok' : 'unavailable', checks }
  })
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    // RFC 7517 §8.5.2. Verifiers look again when they meet an unknown `kid`, so a new key needs no waiting.
    reply.headers({ 'content-type': 'application/jwk-set+json; charset=utf-8', 'cache-control': 'public, max-age=300' })
    return JSON.stringify(jwks())
  })
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
