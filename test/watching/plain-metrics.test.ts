import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Counter, Histogram, Registry } from 'prom-client'
import { createMetrics, textOfWorkers } from '../../src/watching/metrics.ts'
import { plainCounts } from '../../src/watching/plain-counts.ts'
import { plainHistogram } from '../../src/watching/plain-histogram.ts'
import { samplesOf } from './given-metrics.ts'

const BOUNDS = [0.001, 0.01, 0.1, 1]
const described = { name: 'a_duration_seconds', help: 'How long it takes.', labels: ['one', 'other'] }
const label = fc.constantFrom('x', 'y', 'with "quotes" and a \\')
const seconds = fc.oneof(fc.constantFrom(0, ...BOUNDS), fc.double({ min: 0, max: 10, noNaN: true }))

/** The same lines in whatever order. */
const linesOf = async (registry: Registry) => (await registry.metrics()).trim().split('\n').sort()

test("a plain histogram shows what prom-client's own does", async () => {
  const observed = fc.array(fc.tuple(label, label, seconds), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(observed, async (values) => {
      const [plain, theirs] = [new Registry(), new Registry()]
      const durations = plainHistogram(plain, described, BOUNDS)
      const { name, help, labels } = described
      const histogram = new Histogram({ name, help, labelNames: labels, buckets: BOUNDS, registers: [theirs] })
      for (const [one, other, value] of values) {
        durations(one, other).observe(value)
        histogram.observe({ one, other }, value)
      }
      expect(await linesOf(plain)).toEqual(await linesOf(theirs))
    }),
  )
})

test("plain counts show what prom-client's own counter does", async () => {
  const [plain, theirs] = [new Registry(), new Registry()]
  const counted = { name: 'things_total', help: 'Things.', labels: ['one', 'other'] }
  const counts = plainCounts(plain, counted)
  const counter = new Counter({ ...counted, labelNames: counted.labels, registers: [theirs] })
  for (const [one, other] of [
    ['a', 'b'],
    ['a', 'c'],
    ['a', 'b'],
    ['', 'b'],
  ] as const) {
    counts(one, other).value += 1
    counter.inc({ one, other })
  }
  // Twice: what is shown is not counted again.
  await plain.metrics()
  expect(await linesOf(plain)).toEqual(await linesOf(theirs))
})

test('series are there from when they are asked for', async () => {
  const registry = new Registry()
  plainHistogram(registry, described, BOUNDS)('x', 'y')
  const samples = samplesOf(await registry.metrics())
  expect(samples.get('a_duration_seconds_count{one="x",other="y"}')).toBe(0)
  expect(samples.size).toBe(BOUNDS.length + 3)
})

test('the metrics of workers stand side by side, and none is added to another', async () => {
  const worker = async (times: number) => {
    const registry = new Registry()
    const durations = plainHistogram(registry, { ...described, labels: [] }, BOUNDS)()
    for (let time = 0; time < times; time += 1) durations.observe(0.005)
    plainCounts(registry, { name: 'things_total', help: 'Things.', labels: ['kind'] })('a').value += times
    return registry.getMetricsAsJSON()
  }
  const text = await textOfWorkers(
    new Map([
      [1, await worker(2)],
      [2, await worker(5)],
    ]),
  )
  const samples = samplesOf(text)
  expect(samples.get('things_total{kind="a",worker="1"}')).toBe(2)
  expect(samples.get('things_total{kind="a",worker="2"}')).toBe(5)
  expect(samples.get('a_duration_seconds_bucket{le="0.01",worker="2"}')).toBe(5)
  expect(samples.get('a_duration_seconds_count{worker="1"}')).toBe(2)
  expect(text.match(/^# TYPE a_duration_seconds histogram$/gm)).toHaveLength(1)
})

test('of a manifest of thousands of operations the first have series of their own, and no other reason than a known one', async () => {
  const metrics = createMetrics()
  const request = { route: '/graphql', type: 'query', outcome: 'ok', seconds: 0.001 } as const
  for (let number = 0; number < 10_000; number += 1) {
    metrics.requests.ended({ ...request, operation: `Operation${number}` })
    metrics.requests.denied({ code: 'FORBIDDEN', reason: `REASON_${number}` })
  }
  const samples = samplesOf(await metrics.text())
  const series = [...samples.keys()].filter((written) => written.startsWith('tenantry_operations_total'))
  expect(series).toHaveLength(201)
  expect(samples.get('tenantry_operations_total{operation="other",type="query",outcome="ok"}')).toBe(9_800)
  expect(samples.get('tenantry_denials_total{code="FORBIDDEN",reason="other"}')).toBe(10_000)
  expect([...samples.keys()].filter((written) => written.startsWith('tenantry_denials_total'))).toHaveLength(1)
})
