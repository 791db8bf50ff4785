import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config.ts'
import { createLogger } from '../../src/http/log.ts'
import { serveMetrics, type MetricsServer } from '../../src/watching/metrics-server.ts'
import { startServer, type TestServer } from '../harness.ts'

const TOKEN = 'a token for the metrics of tests alone'
const config = { host: '127.0.0.1', port: 0 }
const log = createLogger('silent')
const open: MetricsServer[] = []
afterAll(() => Promise.all(open.map((server) => server.close())))

async function serve(token: string | null, read = async () => 'up 1\n'): Promise<string> {
  const server = await serveMetrics({ ...config, token }, read, log)
  open.push(server)
  return server.address
}

describe('the address of the metrics', () => {
  test('shows them to whoever reaches it, where there is no token', async () => {
    const answer = await fetch(`${await serve(null)}/metrics`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.text()).toBe('up 1\n')
  })

  test.each([
    ['no token', {}],
    ['another one', { authorization: 'Bearer another' }],
    ['its beginning', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['more than it', { authorization: `Bearer ${TOKEN}x` }],
    ['it in another scheme', { authorization: `Basic ${TOKEN}` }],
    ['it in another header', { 'x-api-key': TOKEN }],
  ] as [string, Record<string, string>][])(
    'refuses whoever presents %s, and asks for nothing to be read',
    async (_, headers) => {
      let read = 0
      const address = await serve(TOKEN, async () => String((read += 1)))
      for (const path of ['/metrics', '/metrics?token=x', '/', '/other']) {
        const answer = await fetch(address + path, { headers })
        expect([answer.status, await answer.text()]).toEqual([401, ''])
        expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="metrics"')
      }
      expect(read).toBe(0)
    },
  )

  test('shows them to whoever has the token', async () => {
    const answer = await fetch(`${await serve(TOKEN)}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })
    expect([answer.status, await answer.text()]).toEqual([200, 'up 1\n'])
  })

  test('is not that of a name that was made to lead here, where there is no token', async () => {
    const { port } = new URL(await serve(null))
    const asked = async (host: string) => {
      const request = get({ port, path: '/metrics', headers: { host } })
      const [answer] = (await once(request, 'response')) as [IncomingMessage]
      answer.resume()
      return answer.statusCode
    }
    const hosts = [
      '127.0.0.1',
      `localhost:${port}`,
      '[::1]:1',
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
    ]
    expect(await Promise.all(hosts.map(asked))).toEqual([200, 200, 200, 421, 421, 421])
  })

  test('is kept free by no one who connects and says nothing', async () => {
    const { port } = new URL(await serve(TOKEN))
    const silent = Array.from({ length: 200 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}))
    for (const socket of silent) socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n')
    const headers = { authorization: `Bearer ${TOKEN}` }
    const read = () =>
      fetch(`http://127.0.0.1:${port}/metrics`, { headers }).then(
        ({ status }) => status,
        () => null,
      )
    const end = performance.now() + 8_000
    while ((await read()) !== 200) {
      expect(performance.now()).toBeLessThan(end)
      await sleep(100)
    }
    for (const socket of silent) socket.destroy()
  })

  test('has nothing else, and takes nothing', async () => {
    const address = await serve(null)
    const asked = { '/': 'GET', '/metrics/': 'GET', '/graphql': 'POST', '/metrics': 'POST' }
    const statuses = Object.entries(asked).map(
      async ([path, method]) => (await fetch(address + path, { method })).status,
    )
    expect(await Promise.all(statuses)).toEqual([404, 404, 404, 405])
  })

  test('reads once for all who ask at the same time', async () => {
    let read = 0
    const address = await serve(null, async () => {
      read += 1
      await new Promise((resolve) => setTimeout(resolve, 200))
      return 'up 1\n'
    })
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => (await fetch(`${address}/metrics`)).text()),
    )
    expect(new Set(answers)).toEqual(new Set(['up 1\n']))
    expect(read).toBe(1)
  })

  test('answers 500 where they cannot be read, and says nothing of why', async () => {
    const address = await serve(null, () => Promise.reject(new Error('the reason')))
    const answer = await fetch(`${address}/metrics`)
    expect([answer.status, await answer.text()]).toEqual([500, ''])
  })
})

describe('a server', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server?.close())

  test('serves no metrics unless told to, and never where clients are served', async () => {
    expect(server.app.metricsAddress()).toBeNull()
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
  })
})

describe('the settings', () => {
  const mistakesIn = (settings: Record<string, string>): string => {
    try {
      loadConfig(settings, '/dev/null')
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each(['0.0.0.0', '::', '10.0.0.7', 'metrics.internal'])(
    'let nobody open the metrics at %s without a token',
    (host) => {
      const open_ = { METRICS_PORT: '9464', METRICS_HOST: host }
      expect(mistakesIn(open_)).toContain('METRICS_TOKEN: required where METRICS_HOST is no loopback address')
      expect(mistakesIn({ ...open_, METRICS_TOKEN: 'short' })).toContain('METRICS_TOKEN')
      expect(mistakesIn({ ...open_, METRICS_TOKEN: TOKEN })).toBe('')
    },
  )

  test('are those of a loopback address unless told otherwise', () => {
    expect(loadConfig({}, '/dev/null').metrics).toBeNull()
    expect(loadConfig({ METRICS_PORT: '9464' }, '/dev/null').metrics).toEqual({
      host: '127.0.0.1',
      port: 9464,
      token: null,
    })
  })

  test('of traces are read as OpenTelemetry writes them', () => {
    const endpoint = 'http://127.0.0.1:4318'
    expect(loadConfig({}, '/dev/null').tracing).toBeNull()
    expect(
      loadConfig(
        {
          OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
          OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20abc%3D,x-team=a',
          OTEL_TRACES_SAMPLER_ARG: '0.25',
        },
        '/dev/null',
      ).tracing,
    ).toEqual({
      endpoint,
      headers: { authorization: 'Basic abc=', 'x-team': 'a' },
      serviceName: 'tenantry',
      ratio: 0.25,
    })
    for (const bad of ['a b=c', 'novalue', 'a=%zz', '=x'])
      expect(mistakesIn({ OTEL_EXPORTER_OTLP_HEADERS: bad })).toContain('OTEL_EXPORTER_OTLP_HEADERS')
    expect(mistakesIn({ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://x' })).toContain('OTEL_EXPORTER_OTLP_ENDPOINT')
    expect(mistakesIn({ OTEL_TRACES_SAMPLER_ARG: '1.5' })).toContain('OTEL_TRACES_SAMPLER_ARG')
  })
})
