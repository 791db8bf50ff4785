import type { IncomingHttpHeaders } from 'node:http'
import type { Logger } from 'pino'
import type { EndedRequest } from './request-metrics.ts'

/** Where traces are sent, and how many. */
export interface TracingConfig {
  /** OTLP over HTTP in JSON; `/v1/traces` is appended. */
  readonly endpoint: string
  /** Sent with each export: they may be credentials. */
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  /** The share of traces that begin here and are kept, from 0 to 1. */
  readonly ratio: number
}

/** The span of one request. */
export interface RequestSpan {
  /** 32 hexadecimal digits, for the log. */
  readonly traceId: string
  /** Runs `work` so that all that it does, and does later, belongs to the request. */
  run<T>(work: () => T): T
  /** The request has been answered. @param status of HTTP */
  end(request: EndedRequest, status: number): void
}

/**
 * Traces in the terms of OpenTelemetry's semantic conventions. No span holds a header, a variable, an argument, a value of a
 * statement or a name that a client has chosen.
 */
export interface Tracing {
  /** Begins the span of a request, within the trace that its `traceparent` names (W3C Trace Context §3.2). */
  request(method: string, headers: IncomingHttpHeaders): RequestSpan
  /** Runs a step of the current request as a span of its own. */
  step<T>(name: string, work: () => T): T
  /** A statement has been answered just now, or several that travelled together. @param texts without values */
  statements(texts: readonly string[], seconds: number, failed: boolean): void
  /** Sends what is left, and waits for that for a few seconds. */
  stop(): Promise<void>
}

/** Starts to trace. What does it is loaded here: a server that is not traced has none of it. Null: it is not configured. */
export async function startTracing(config: TracingConfig | null, log: Logger): Promise<Tracing | null> {
  if (!config) return null
  const { openTelemetry } = await import('./open-telemetry.ts')
  return openTelemetry(config, log)
}
