import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expectSoon } from './given-metrics.ts'

interface Value {
  stringValue?: string
  intValue?: number | string
  doubleValue?: number
  boolValue?: boolean
}

/** A span as it came over the wire. */
export interface ReceivedSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  /** 2: of a server; 3: of a client. */
  kind: number
  attributes: Record<string, string | number | boolean | undefined>
  failed: boolean
  startMs: number
  endMs: number
}

/** What receives traces: OTLP over HTTP, in JSON. */
export interface Collector {
  endpoint: string
  spans(): ReceivedSpan[]
  /** All that has come, as it came. */
  text(): string
  headers(): IncomingHttpHeaders[]
  /** Waits for as many requests to a route that have begun since then. @returns their spans, and the spans within them */
  requests(route: string, sinceMs: number, number?: number): Promise<ReceivedSpan[]>
  close(): Promise<void>
}

interface Exported {
  resourceSpans: { scopeSpans: { spans: Record<string, any>[] }[] }[]
}

function spanOf({ name, traceId, spanId, parentSpanId, kind, attributes, status, ...times }: Record<string, any>) {
  const valueOf = (value: Value) => value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue
  return {
    ...{ name, traceId, spanId, kind },
    parentSpanId,
    attributes: Object.fromEntries(
      attributes.map(({ key, value }: { key: string; value: Value }) => [key, valueOf(value)]),
    ),
    failed: status?.code === 2,
    startMs: Number(times.startTimeUnixNano) / 1e6,
    endMs: Number(times.endTimeUnixNano) / 1e6,
  }
}

/** Starts a collector on a free port. */
export async function givenCollector(): Promise<Collector> {
  const received: { text: string; headers: IncomingHttpHeaders; spans: ReceivedSpan[] }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const { resourceSpans } = JSON.parse(text) as Exported
      const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans.map(spanOf)))
      if (request.url === '/v1/traces') received.push({ text, headers: request.headers, spans })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const spans = () => received.flatMap((one) => one.spans)
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    text: () => received.map(({ text }) => text).join('\n'),
    headers: () => received.map(({ headers }) => headers),
    async requests(route, sinceMs, number = 1) {
      const roots = () =>
        spans().filter(({ attributes, startMs }) => attributes['http.route'] === route && startMs >= sinceMs)
      await expectSoon(async () => roots().length, number)
      const traces = new Set(roots().map(({ traceId }) => traceId))
      return spans().filter(({ traceId }) => traces.has(traceId))
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
