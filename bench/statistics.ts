/** The value below which so many in a hundred lie; NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}

/** The middle value, or between the two of them; null of none. */
export function median(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [upper, lower] = [sorted[middle], sorted[middle - 1]]
  if (upper === undefined) return null
  return sorted.length % 2 === 0 && lower !== undefined ? (lower + upper) / 2 : upper
}

interface OfRound {
  round: number
}

/**
 * The median of what one has over what the other has in the same round: the speed of a machine changes from one round to the
 * next. Null where one of them has nothing.
 */
export function ratioByRound<One extends OfRound, Other extends OfRound = One>(
  above: readonly One[],
  below: readonly Other[],
  figure: (one: One) => number | null,
  // Where both are of one kind, it is the same figure of both.
  otherFigure: (other: Other) => number | null = figure as never,
): number | null {
  const ratios = above.map((one) => {
    const other = below.find(({ round }) => round === one.round)
    const [over, under] = [figure(one), other ? otherFigure(other) : null]
    return over !== null && under ? over / under : null
  })
  return median(ratios)
}
