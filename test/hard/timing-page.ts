import { findingOf, keepFinding, tableOf, writePage } from './findings.ts'

/** Two requests that nobody should be able to tell apart, and the medians of the times until they were answered. */
export interface Pair {
  one: string
  other: string
  turns: number
  medianMs: [number, number]
}

const PAIRS = ['email', 'key-prefix', 'id'] as const
const nameOf = (pair: (typeof PAIRS)[number]) => `timing-${pair}`

/** Notes what was measured of a pair, for the page that the run writes at its end. */
export function notePair(pair: (typeof PAIRS)[number], measured: Pair): void {
  keepFinding(nameOf(pair), measured)
}

const HEAD = `# Timing

What a stranger could learn from how long an answer takes. \`npm run test:hard\` sends each two requests by turns, which begins
each time the other one, and writes the medians here. Nothing is asserted of them: a machine that does other things as well
decides no test. Within 5 % is the aim.
`

/** How much longer the second takes than the first, in per cent. */
const apart = ([one, other]: Pair['medianMs']): string => `${((other / one - 1) * 100).toFixed(1)} %`

/** After a run: writes the page, if every pair has been measured. */
export async function writeTiming(): Promise<void> {
  const pairs: Pair[] = PAIRS.map((pair) => findingOf(nameOf(pair))).filter((found) => found !== null)
  if (pairs.length < PAIRS.length) return
  const titles = ['one', 'the other', 'of each', 'medians', 'apart']
  const rows = pairs.map(({ one, other, turns, medianMs }) => {
    return [one, other, String(turns), medianMs.map((ms) => `${ms.toFixed(2)} ms`).join(', '), apart(medianMs)]
  })
  await writePage('docs/timing.md', `${HEAD}\n${tableOf(titles, ['---', '---', '---:', '---:', '---:'], rows)}\n`)
}
