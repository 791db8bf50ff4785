/** What a server's metrics say of how long something takes. */
export interface Within {
  /** How often it was done. */
  count: number
  /** The share of those that took no longer. */
  share: number
}

/**
 * Reads a histogram of Prometheus' text format, all of its labels together.
 * @param bound one of its buckets, in seconds
 * @throws Error where there is no such histogram, or no such bucket
 */
export async function shareWithin(metricsUrl: string, name: string, bound: number): Promise<Within> {
  const text = await (await fetch(metricsUrl)).text()
  const sumOf = (series: string, label = ''): number => {
    const lines = text.split('\n').filter((line) => line.startsWith(series) && line.includes(label))
    if (lines.length === 0) throw new Error(`No ${series} with ${label} in:\n${text}`)
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
  const count = sumOf(`${name}_count`)
  return { count, share: sumOf(`${name}_bucket`, `le="${bound}"`) / count }
}
