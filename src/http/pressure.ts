import type { FastifyInstance } from 'fastify'
import { unavailable } from '../errors.ts'

/** What the server takes on at most. */
export interface PressureLimits {
  /** Operations that are under way. Each waits for one connection to the database at most: this bounds that queue too. */
  maxInFlight: number
  /** How late the event loop may be, in milliseconds. */
  maxEventLoopDelayMs: number
}

/** Whether the server can serve one more request in time. Asked by whatever takes requests. */
export interface Pressure {
  /** Whether a request that arrives now would be served late: refused at once, it can go elsewhere or come again. */
  isTooHigh(): boolean
  /**
   * Runs what answers a request, which is under way until then. Whoever is still sending it is not: slow senders would keep
   * everybody out. @throws UNAVAILABLE where too much is under way.
   */
  bear<Answer>(answer: () => Promise<Answer>): Promise<Answer>
}

const SAMPLE_MS = 100

/** Made once: the stack of an error costs more than the rest of a refusal. */
const overloaded = unavailable('The server has more to do than it can do in time')

/** Watches how much a server has to do, from when it listens until it closes. */
export function watchPressure(app: FastifyInstance, { maxInFlight, maxEventLoopDelayMs }: PressureLimits): Pressure {
  const eventLoopDelayMs = watchEventLoop(app)
  let inFlight = 0
  const isTooHigh = () => inFlight >= maxInFlight || eventLoopDelayMs() > maxEventLoopDelayMs
  return {
    isTooHigh,
    async bear(answer) {
      if (inFlight >= maxInFlight) throw overloaded
      inFlight += 1
      try {
        return await answer()
      } finally {
        inFlight -= 1
      }
    },
  }
}

/** Refuses the requests of the routes that follow in this context while the pressure is too high, before their bodies are read. */
export function refuseUnderPressure(app: FastifyInstance, pressure: Pressure): void {
  app.addHook('onRequest', (_request, _reply, done) => {
    if (pressure.isTooHigh()) done(overloaded)
    else done()
  })
}

/** How late the event loop is, in milliseconds: the lesser of the last two samples, since once may be a garbage collection. */
function watchEventLoop(app: FastifyInstance): () => number {
  let [last, before] = [0, 0]
  let timer: NodeJS.Timeout | undefined
  app.addHook('onListen', async () => {
    let due = performance.now() + SAMPLE_MS
    timer = setInterval(() => {
      const now = performance.now()
      ;[before, last] = [last, now - due]
      due = now + SAMPLE_MS
    }, SAMPLE_MS).unref()
  })
  app.addHook('onClose', async () => clearInterval(timer))
  return () => Math.min(before, last)
}
