import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually, givenWorkers, type Workers } from '../workers/given-workers.ts'
import { samplesOf, sumOf } from './given-metrics.ts'

let server: Workers
let metricsUrl = ''

beforeAll(async () => {
  server = await givenWorkers({ METRICS_PORT: '0' })
  const { address } = await eventually(() => server.log().find(({ msg }) => msg === 'metrics are served'))
  metricsUrl = `${String(address)}/metrics`
})
afterAll(() => server?.close())

const scrape = async () => samplesOf(await (await fetch(metricsUrl)).text())
const requestsOf = (samples: ReadonlyMap<string, number>, worker: string) =>
  sumOf(samples, 'tenantry_request_duration_seconds_count', { route: '/graphql', outcome: 'ok', worker })

test('one address shows the metrics of all workers, each under its own place', async () => {
  const answers = []
  for (let times = 0; times < 12; times += 1) answers.push(await server.send('{ __typename }'))
  const places = await Promise.all(answers.map((answer) => server.workerOf(answer)))
  const samples = await scrape()
  expect(sumOf(samples, 'tenantry_worker_up')).toBe(2)
  for (const place of [1, 2]) {
    expect(requestsOf(samples, String(place))).toBe(places.filter((other) => other === place).length)
    expect(samples.get(`nodejs_eventloop_lag_p99_seconds{worker="${place}"}`)).toBeGreaterThan(0)
  }
  // The text is one that Prometheus reads: each metric is described once, and its series stand together.
  const text = await (await fetch(metricsUrl)).text()
  const described = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  expect(new Set(described).size).toBe(described.length)
  expect([...text.matchAll(/^tenantry_worker_up/gm)]).toHaveLength(2)
  expect(server.log().filter(({ msg }) => msg === 'metrics are served')).toHaveLength(1)
})

test('a worker that takes the place of another begins at nothing, and the other goes on', async () => {
  for (let times = 0; times < 12; times += 1) await server.send('{ __typename }')
  const before = await scrape()
  expect(requestsOf(before, '1')).toBeGreaterThan(0)
  process.kill(server.pids().get(1) ?? 0, 'SIGKILL')
  await eventually(async () => (sumOf(await scrape(), 'tenantry_worker_up') === 1 ? true : undefined))
  const after = await eventually(async () => {
    const samples = await scrape()
    return sumOf(samples, 'tenantry_worker_up') === 2 ? samples : undefined
  })
  expect(requestsOf(after, '1')).toBe(0)
  expect(requestsOf(after, '2')).toBe(requestsOf(before, '2'))
})
