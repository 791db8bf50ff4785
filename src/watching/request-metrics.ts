import { Counter, Histogram, type Registry } from 'prom-client'
import { forbiddenReasons, unauthenticatedReasons, type ErrorCode } from '../errors.ts'
import type { Outcome } from './outcomes.ts'
import { plainCounts } from './plain-counts.ts'

/** What kind of operation was asked for; `none` where none was got at. */
export type OperationType = 'query' | 'mutation' | 'none'

/** A request that has been answered. */
export interface EndedRequest {
  /** The route's own pattern, and not the path that was asked for: a constant. */
  readonly route: string
  readonly type: OperationType
  /** The operation's name, where it is one of a trusted document; null for any other, which a client may call anything. */
  readonly operation: string | null
  readonly outcome: Outcome
  readonly seconds: number
}

/** A refusal of access in an answer. */
export interface Denial {
  readonly code: ErrorCode
  readonly reason: unknown
}

/** What is measured of requests, whatever HTTP server has taken them. */
export interface RequestMetrics {
  /** A request has been answered. About half a microsecond. */
  ended(request: EndedRequest): void
  /** Access was denied in an answer; told once a request for the same reason. */
  denied(denial: Denial): void
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Each name is a series for each outcome: of a larger manifest, the operations that are run later have none of their own. */
const MOST_OPERATIONS = 200

const watched: readonly Outcome[] = ['ok', 'INTERNAL_SERVER_ERROR', 'UNAVAILABLE', 'TIMEOUT']
const reasons: ReadonlySet<unknown> = new Set([...unauthenticatedReasons, ...forbiddenReasons])

/** Makes the metrics of requests. */
export function requestMetrics(registry: Registry): RequestMetrics {
  const durations = new Histogram({
    name: 'tenantry_request_duration_seconds',
    help: 'From the headers of a request to the last byte of its answer.',
    labelNames: ['route', 'type', 'outcome'],
    buckets: SECONDS,
    registers: [registry],
  })
  const operations = plainCounts(registry, {
    name: 'tenantry_operations_total',
    help: 'GraphQL requests by the name of their operation, where its document is trusted, and by outcome.',
    labels: ['operation', 'type', 'outcome'],
  })
  const denials = new Counter({
    name: 'tenantry_denials_total',
    help: 'Requests in whose answer access was denied, by reason.',
    labelNames: ['code', 'reason'],
    registers: [registry],
  })
  // A series that begins with its first failure shows no increase: these are there from the start.
  for (const type of ['query', 'mutation', 'none']) {
    for (const outcome of watched) durations.zero({ route: '/graphql', type, outcome })
  }
  const children = new Map<string, ReturnType<typeof durations.labels>>()
  const named = new Set<string>()

  function durationOf({ route, type, outcome }: EndedRequest) {
    const key = `${route} ${type} ${outcome}`
    const known = children.get(key)
    if (known) return known
    const child = durations.labels(route, type, outcome)
    children.set(key, child)
    return child
  }
  function nameOf(operation: string | null): string {
    if (operation === null) return 'other'
    if (named.size < MOST_OPERATIONS) named.add(operation)
    return named.has(operation) ? operation : 'other'
  }
  return {
    ended(request) {
      durationOf(request).observe(request.seconds)
      if (request.route !== '/graphql') return
      operations(nameOf(request.operation), request.type, request.outcome).value += 1
    },
    denied({ code, reason }) {
      denials.inc({ code, reason: reasons.has(reason) ? String(reason) : 'other' })
    },
  }
}
