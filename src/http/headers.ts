import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import fastify, { type FastifyInstance } from 'fastify'
import type { HttpConfig } from './config.ts'

/** For answers that are data: nothing in them may run, load or be framed. */
const dataPolicy = { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] }

/**
 * For the GraphiQL page: its scripts come from this server and are files. Its editor writes style attributes and
 * elements, and its style sheet holds its fonts and images as `data:`.
 */
export const graphiqlPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** For the page of Apollo Sandbox, which states the rest of its policy itself, with a nonce. */
export const sandboxPolicy = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/**
 * Puts helmet's headers on every answer. helmet builds all of its middleware anew for each request, which costs
 * more than a small query does: so it is asked once, at the start, and its answer is kept.
 */
export async function secureHeaders(app: FastifyInstance, { production }: HttpConfig): Promise<void> {
  const asked = fastify()
  await asked.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: dataPolicy },
    // Elsewhere than in production it would pin a developer's localhost to HTTPS.
    hsts: production,
    xFrameOptions: { action: 'deny' },
  })
  asked.get('/', async () => null)
  const answer = await asked.inject('/')
  await asked.close()
  const fromFastify = ['content-length', 'content-type', 'date', 'connection']
  const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !fromFastify.includes(name)))
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).header('x-request-id', request.id)
    done()
  })
}

/** Lets pages of the configured origins call the API. No credential is ambient: there are no cookies to allow. */
export async function allowOrigins(app: FastifyInstance, { corsOrigins }: HttpConfig): Promise<void> {
  if (corsOrigins.length === 0) return
  await app.register(cors, {
    origin: corsOrigins,
    credentials: false,
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'X-Tenant-Id',
      'X-Tenant-Api-Key',
      'X-Api-Key',
      'X-Authorization-Mode',
      'GraphQL-Cost',
      'X-Request-Id',
      'X-Apollo-Operation-Name',
      'Apollo-Require-Preflight',
    ],
    exposedHeaders: [
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'RateLimit-Limit',
      'RateLimit-Remaining',
      'RateLimit-Reset',
      'X-Request-Id',
      'WWW-Authenticate',
    ],
    maxAge: 600,
  })
}
