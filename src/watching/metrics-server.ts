import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import type { Logger } from 'pino'
import { isLoopback } from '../principal/external/issuer-settings.ts'

/** Where the metrics are served, and who may read them. */
export interface MetricsConfig {
  readonly host: string
  readonly port: number
  /** What whoever reads them must present as `Authorization: Bearer`; null: nothing, where the address alone keeps others away. */
  readonly token: string | null
}

/** The listener for metrics. */
export interface MetricsServer {
  /** Such as `http://127.0.0.1:9464`. */
  readonly address: string
  close(): Promise<void>
}

const MOST_CONNECTIONS = 200
/** Whoever has connected sends a request within this time, or makes room. */
const PATIENCE_MS = 2_000

const digestOf = (text: string) => createHash('sha256').update(text).digest()

/**
 * Serves `GET /metrics` on an address of its own, apart from the clients': they can neither read it nor keep it from being read.
 * @param read what to show; asked once for all who ask meanwhile
 * @throws Error where the address cannot be listened on
 */
export async function serveMetrics(
  { host, port, token }: MetricsConfig,
  read: () => Promise<string>,
  log: Logger,
): Promise<MetricsServer> {
  const expected = token === null ? null : digestOf(`Bearer ${token}`)
  let reading: Promise<string> | null = null

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, expected)
    if (refusal) return void response.writeHead(...refusal).end()
    try {
      reading ??= read().finally(() => (reading = null))
      const text = await reading
      response
        .writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE, 'cache-control': 'no-store' })
        .end(text)
    } catch (error) {
      log.error({ err: error }, 'the metrics could not be read')
      response.writeHead(500).end()
    }
  }
  const patience = { requestTimeout: PATIENCE_MS, headersTimeout: PATIENCE_MS, connectionsCheckingInterval: 500 }
  const server = createServer(patience, (request, response) => {
    void answer(request, response)
  })
  server.maxConnections = MOST_CONNECTIONS
  server.listen(port, host)
  await once(server, 'listening')
  const { address, port: taken, family } = server.address() as AddressInfo
  const shown = `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
  log.info({ address: shown }, 'metrics are served')
  return {
    address: shown,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** The name that was asked for, without the port. */
function hostnameOf(host = ''): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
}

/** The status and headers of a refusal; null where the metrics are to be shown. */
function refusalOf(
  { method, url = '', headers }: IncomingMessage,
  expected: Buffer | null,
): [status: number, headers: Record<string, string>] | null {
  // Before anything else is told. Digests are compared, since they are of one length.
  if (expected && !timingSafeEqual(digestOf(headers.authorization ?? ''), expected)) {
    return [401, { 'www-authenticate': 'Bearer realm="metrics"' }]
  }
  // Where the address alone keeps others away, a page whose name was made to lead here would be one of them.
  if (!expected && !isLoopback(hostnameOf(headers.host))) return [421, {}]
  if (url.split('?')[0] !== '/metrics') return [404, {}]
  return method === 'GET' || method === 'HEAD' ? null : [405, { allow: 'GET, HEAD' }]
}
