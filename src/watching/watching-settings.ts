import { z } from 'zod'
import { isLoopback } from '../principal/external/issuer-settings.ts'
import type { MetricsConfig } from './metrics-server.ts'
import type { TracingConfig } from './tracing.ts'

/** `name=value,name=value`, each value percent-encoded, as OpenTelemetry's own variable is written. */
const headerList = z
  .string()
  .regex(/^([\w-]+=[^,=\s]*(,|$))*$/, 'must be name=value, separated by commas, with each value percent-encoded')
  .refine(isPercentEncoded, 'has a value that is not percent-encoded')
  .default('')

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** The settings of metrics and traces. Those of traces have the names that OpenTelemetry gives them. */
export const watchingSettings = {
  METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  METRICS_TOKEN: z.string().min(32).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headerList,
  OTEL_SERVICE_NAME: z.string().min(1).max(255).default('tenantry'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
}

type WatchingSettings = z.infer<z.ZodObject<typeof watchingSettings>>

/** What contradicts itself in them, a sentence each. */
export function watchingMistakes({ METRICS_PORT, METRICS_HOST, METRICS_TOKEN }: WatchingSettings): string[] {
  const isOpen = METRICS_PORT !== undefined && !isLoopback(METRICS_HOST) && !METRICS_TOKEN
  return isOpen
    ? ['METRICS_TOKEN: required where METRICS_HOST is no loopback address: anybody could read the metrics']
    : []
}

/** What metrics are served and traces are sent with; null for what is not configured. */
export function watchingOf(given: WatchingSettings): { metrics: MetricsConfig | null; tracing: TracingConfig | null } {
  const { METRICS_PORT: port, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = given
  return {
    metrics: port === undefined ? null : { port, host: given.METRICS_HOST, token: given.METRICS_TOKEN ?? null },
    tracing: endpoint
      ? {
          endpoint,
          headers: headersIn(given.OTEL_EXPORTER_OTLP_HEADERS),
          serviceName: given.OTEL_SERVICE_NAME,
          ratio: given.OTEL_TRACES_SAMPLER_ARG,
        }
      : null,
  }
}

function headersIn(list: string): Record<string, string> {
  const pairs = list.split(',').filter(Boolean)
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value = ''] = pair.split('=')
      return [name.toLowerCase(), decodeURIComponent(value)]
    }),
  )
}
