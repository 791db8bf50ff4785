import { Counter, type Registry } from 'prom-client'
import { forbiddenReasons, unauthenticatedReasons, type ErrorCode } from '../errors.ts'
import type { Outcome } from './outcomes.ts'
import { plainCounts, type Count } from './plain-counts.ts'
import { plainHistogram, type Durations } from './plain-histogram.ts'

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
  /** A request has been answered. It takes a quarter of a microsecond. */
  ended(request: EndedRequest): void
  /** Access was denied in an answer; told once a request for the same reason. */
  denied(denial: Denial): void
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Each name is a series for each outcome: of a larger manifest, the operations that are run later have none of their own. */
const MOST_OPERATIONS = 200

const watched: readonly Outcome[] = ['ok', 'INTERNAL_SERVER_ERROR', 'UNAVAILABLE', 'TIMEOUT']
const reasons: ReadonlySet<unknown> = new Set([...unauthenticatedReasons, ...forbiddenReasons])

/** What a request is counted in, looked up once for all that are alike. */
interface Counted {
  readonly duration: Durations
  readonly count: Count | null
}

/** Makes the metrics of requests. */
export function requestMetrics(registry: Registry): RequestMetrics {
  const requests = {
    name: 'tenantry_request_duration_seconds',
    help: 'From the headers of a request to the last byte of its answer.',
    labels: ['route', 'type', 'outcome'],
  }
  const durations = plainHistogram(registry, requests, SECONDS)
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
    for (const outcome of watched) durations('/graphql', type, outcome)
  }
  const known = new Map<string, Counted>()
  const named = new Set<string>()

  function nameOf(operation: string | null): string {
    if (operation === null) return 'other'
    if (named.size < MOST_OPERATIONS) named.add(operation)
    return named.has(operation) ? operation : 'other'
  }
  function countedIn({ route, type, operation, outcome }: EndedRequest): Counted {
    const name = nameOf(operation)
    const key = `${route} ${type} ${outcome} ${name}`
    const before = known.get(key)
    if (before) return before
    const count = route === '/graphql' ? operations(name, type, outcome) : null
    const counted = { duration: durations(route, type, outcome), count }
    known.set(key, counted)
    return counted
  }
  return {
    ended(request) {
      const { duration, count } = countedIn(request)
      duration.observe(request.seconds)
      if (count) count.value += 1
    },
    denied({ code, reason }) {
      denials.inc({ code, reason: reasons.has(reason) ? String(reason) : 'other' })
    },
  }
}
