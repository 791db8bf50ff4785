import { Counter, type Registry } from 'prom-client'

/** How often something has happened. */
export interface Count {
  value: number
}

/** A metric, and what tells its series apart. */
export interface Described {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/**
 * A counter in plain numbers, which are read when somebody asks for the metrics: what each request counts costs it some
 * nanoseconds, where prom-client's own takes two hundred.
 * @returns the count of what has these values, in the order of the labels
 */
export function plainCounts(
  registry: Registry,
  { name, help, labels }: Described,
): (...values: readonly string[]) => Count {
  const counts = new Map<string, { readonly labels: Record<string, string>; readonly count: Count }>()
  new Counter({
    ...{ name, help, labelNames: labels, registers: [registry] },
    collect() {
      this.reset()
      for (const counted of counts.values()) this.inc(counted.labels, counted.count.value)
    },
  })
  return (...values) => {
    const key = values.join('\n')
    const known = counts.get(key)
    if (known) return known.count
    const count = { value: 0 }
    counts.set(key, { labels: Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ''])), count })
    return count
  }
}
