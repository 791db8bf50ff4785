import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { expect } from '@jest/globals'
import { startServer, type TestServer } from '../harness.ts'

/** A server that serves its metrics. */
export interface MeasuredServer extends TestServer {
  metricsUrl: string
  /** All samples, by the series as it is written: `name{label="value"}`. */
  samples(): Promise<Map<string, number>>
  /** The sum of all series of this name whose labels are these. */
  sum(name: string, labels?: Record<string, string>): Promise<number>
}

/** The samples of a text in the format of Prometheus. */
export function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

/** The labels of a series, and its name. */
export function seriesOf(written: string): { name: string; labels: Record<string, string> } {
  const name = /^[\w:]+/.exec(written)?.[0] ?? ''
  const labels = [...written.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [label, value])
  return { name, labels: Object.fromEntries(labels) as Record<string, string> }
}

/** The sum of the samples of this name whose labels are these. */
export function sumOf(samples: ReadonlyMap<string, number>, name: string, labels: Record<string, string> = {}): number {
  let sum = 0
  for (const [written, value] of samples) {
    const series = seriesOf(written)
    const fits = Object.entries(labels).every(([label, wanted]) => series.labels[label] === wanted)
    if (series.name === name && fits) sum += value
  }
  return sum
}

/** Starts a server that serves its metrics on a free port. */
export async function startMeasured(settings: Record<string, string> = {}): Promise<MeasuredServer> {
  const server = await startServer({ settings: { METRICS_PORT: '0', ...settings } })
  const metricsUrl = `${server.app.metricsAddress() ?? ''}/metrics`
  const samples = async () => samplesOf(await (await fetch(metricsUrl)).text())
  return {
    ...server,
    metricsUrl,
    samples,
    sum: async (name, labels) => sumOf(await samples(), name, labels),
  }
}

/** Waits until a look shows this: an answer arrives before what is measured of it is complete. */
export async function expectSoon<T>(look: () => Promise<T>, wanted: T): Promise<void> {
  const start = performance.now()
  while (performance.now() - start < 5_000 && !isDeepStrictEqual(await look(), wanted)) await sleep(20)
  expect(await look()).toEqual(wanted)
}
