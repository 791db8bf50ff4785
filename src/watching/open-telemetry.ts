import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import { httpStatusOf } from '../errors.ts'
import type { EndedRequest } from './request-metrics.ts'
import { summaryOf, withoutLiterals } from './statement-text.ts'
import type { RequestSpan, Tracing, TracingConfig } from './tracing.ts'

/** Spans wait for as long to be sent together. */
const BATCH_MS = 1_000
const EXPORT_MS = 5_000
/** A collector that cannot be reached fails each batch: it is told of once in as long. */
const TELL_MS = 60_000

/** Draws by itself: the id of a trace, which the SDK's own sampler goes by, is for the caller to choose. */
function drawing(ratio: number): Sampler {
  const { RECORD_AND_SAMPLED, NOT_RECORD } = SamplingDecision
  return {
    shouldSample: () => ({ decision: Math.random() < ratio ? RECORD_AND_SAMPLED : NOT_RECORD }),
    toString: () => `Drawing{${ratio}}`,
  }
}

/** Traces by OpenTelemetry's own SDK, without its globals: two servers in one process do not meet. */
export function openTelemetry(config: TracingConfig, log: Logger): Tracing {
  const exporter = tellingOfFailures(
    new OTLPTraceExporter({
      url: `${config.endpoint.replace(/\/+$/, '')}/v1/traces`,
      headers: { ...config.headers },
      timeoutMillis: EXPORT_MS,
    }),
    log,
  )
  const kept = new TraceIdRatioBasedSampler(config.ratio)
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': config.serviceName }),
    // A caller may ask not to be traced. To be traced more often than others is nothing to ask for.
    sampler: new ParentBasedSampler({ root: kept, remoteParentSampled: drawing(config.ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter, scheduledDelayMillis: BATCH_MS, exportTimeoutMillis: EXPORT_MS }),
    ],
  })
  const tracer = provider.getTracer('tenantry')
  const current = new AsyncLocalStorage<Context>()
  return {
    request: (method, headers) => beginRequest(tracer, current, method, headers),
    step(name, work) {
      const within = current.getStore()
      if (!within) return work()
      const span = tracer.startSpan(name, {}, within)
      try {
        return work()
      } finally {
        span.end()
      }
    },
    statements(texts, seconds, failed) {
      const within = current.getStore()
      if (within) tellStatements(tracer, within, { texts, seconds, failed })
    },
    // Whatever is left of a collector that does not answer is lost: no server waits longer for it.
    stop: () => Promise.race([provider.shutdown().catch(() => undefined), sleep(EXPORT_MS, undefined, { ref: false })]),
  }
}

function beginRequest(
  tracer: Tracer,
  current: AsyncLocalStorage<Context>,
  method: string,
  headers: IncomingHttpHeaders,
): RequestSpan {
  const attributes = { 'http.request.method': method }
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parentOf(headers))
  const within = trace.setSpan(ROOT_CONTEXT, span)
  return {
    traceId: span.spanContext().traceId,
    run: (work) => current.run(within, work),
    end: (request, status) => endRequest(span, method, request, status),
  }
}

function endRequest(span: Span, method: string, { route, type, operation, outcome }: EndedRequest, status: number) {
  if (route !== 'none') span.updateName(`${method} ${route}`).setAttribute('http.route', route)
  if (outcome !== 'aborted') span.setAttribute('http.response.status_code', status)
  if (type !== 'none') span.setAttribute('graphql.operation.type', type)
  if (operation !== null) span.setAttribute('graphql.operation.name', operation)
  if (outcome !== 'ok') {
    span.setAttribute('error.type', outcome)
    // What a client does wrong is no error of the server's span (semantic conventions for HTTP spans, "Status").
    if (outcome !== 'aborted' && httpStatusOf[outcome] >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
}

const traceparent = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/

/** The caller's own span. Anything but a well-formed one is as none (W3C Trace Context §4.3). `tracestate` is not passed on. */
function parentOf({ traceparent: given }: IncomingHttpHeaders): Context {
  const [, traceId = '', spanId = '', flags = ''] = (typeof given === 'string' ? traceparent.exec(given) : null) ?? []
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
}

interface Answered {
  readonly texts: readonly string[]
  readonly seconds: number
  readonly failed: boolean
}

function tellStatements(tracer: Tracer, within: Context, { texts, seconds, failed }: Answered): void {
  const endTime = performance.timeOrigin + performance.now()
  const shown = texts.map(withoutLiterals)
  const summary = shown.map(summaryOf).join('; ')
  const attributes = {
    'db.system.name': 'postgresql',
    'db.query.text': shown.join('; '),
    'db.query.summary': summary,
    ...(texts.length > 1 && { 'db.operation.batch.size': texts.length }),
    ...(failed && { 'error.type': 'database' }),
  }
  const startTime = endTime - seconds * 1_000
  const span = tracer.startSpan(summary, { kind: SpanKind.CLIENT, startTime, attributes }, within)
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(endTime)
}

/** The same exporter, which says in the log that it fails: the SDK tells nobody. */
function tellingOfFailures(exporter: SpanExporter, log: Logger): SpanExporter {
  let toldAt = -Infinity
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error && performance.now() - toldAt > TELL_MS) {
          toldAt = performance.now()
          // Not the error itself: it may tell what the collector has answered.
          log.warn({ spans: spans.length, cause: result.error.name }, 'traces could not be exported')
        }
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}
