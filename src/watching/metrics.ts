import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client'
import { credentialMetrics, type CredentialMetrics } from './credential-metrics.ts'
import { databaseMetrics, gauge, type DatabaseMetrics, type Gauged } from './database-metrics.ts'
import { requestMetrics, type RequestMetrics } from './request-metrics.ts'

/** The metrics of one process as they can be sent to another. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** What is measured of a server. Each label has values of a closed set: nothing that a client sends makes a series. */
export interface Metrics {
  readonly requests: RequestMetrics
  readonly credentials: CredentialMetrics
  readonly database: DatabaseMetrics
  /** Shows the state of these services too. */
  gauge(services: Gauged): void
  /** Shows the process too: its memory, its garbage collection and the delay of its event loop. */
  watchProcess(): void
  /** In the text format of Prometheus. */
  text(): Promise<string>
  values(): Promise<MetricValues>
}

/** Makes the metrics of a server. It costs nothing until something is measured. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  return {
    requests: requestMetrics(registry),
    credentials: credentialMetrics(registry),
    database: databaseMetrics(registry),
    gauge: (services) => gauge(registry, services),
    watchProcess: () => collectDefaultMetrics({ register: registry }),
    text: () => registry.metrics(),
    values: () => registry.getMetricsAsJSON(),
  }
}

/**
 * The metrics of several workers in one text. Each series says which worker it is of, and is not added to the others': a sum
 * of counters drops when a worker is replaced, and Prometheus would take that for all of it happening again.
 */
export function textOfWorkers(workers: ReadonlyMap<number, MetricValues>): Promise<string> {
  const labelled = [...workers].map(([place, metrics]) =>
    metrics.map((metric) => ({
      ...metric,
      values: metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker: String(place) } })),
    })),
  )
  return AggregatorRegistry.aggregate(labelled).metrics()
}
