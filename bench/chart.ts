import { timesRawAtMost } from './goals.ts'
import type { Machine } from './machine.ts'
import type { Figures } from './summary.ts'
import type { CaseId } from './workloads.ts'

const shown: [CaseId, string][] = [
  ['W1', 'The signed-in user (W1)'],
  ['W2', '10 projects with 3 gateways each (W2)'],
  ['W3', 'An API key (W3)'],
]

const WIDTH = 760
const LABELS = 240
const BARS = 400
const ROW = 24
const HEAD = 34

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Readable on a light page and on a dark one. */
const style = `
  text { font: 13px system-ui, sans-serif; fill: #57606a }
  .head { font-weight: 600 }
  .ours { fill: #0969da }
  .other { fill: #8c959f }
  .goal { stroke: #cf222e; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .ours { fill: #4493f8 } .other { fill: #656c76 } .goal { stroke: #f85149 }
  }`

/** A bar chart of the CPU that each server needs for a request, as SVG: less is better. */
export function chart(figures: readonly Figures[], titles: ReadonlyMap<string, string>, machine: Machine): string {
  let y = 8
  const parts = shown.flatMap(([id, heading]) => {
    const rows = figures.filter((row) => row.case === id && row.serverCpuUs !== null)
    if (rows.length === 0) return []
    const drawn = group(rows, { id, heading, y, titles })
    y += HEAD + rows.length * ROW + 10
    return drawn
  })
  const { cpu, node, postgresql, date } = machine
  const foot = [
    'CPU time of the server process for a request, less is better; × is the ratio to node:http by hand, the line our goal.',
    `${cpu}, Node ${node}, PostgreSQL ${postgresql}, ${date}`,
  ].map((text, at) => `<text x="0" y="${y + 14 + at * 16}" style="font-size: 11px">${escaped(text)}</text>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 40}" role="img" aria-label="CPU time for a request">
<style>${style}</style>
${[...parts, ...foot].join('\n')}
</svg>
`
}

interface Placing {
  id: CaseId
  heading: string
  y: number
  titles: ReadonlyMap<string, string>
}

function group(rows: readonly Figures[], { id, heading, y, titles }: Placing): string[] {
  const most = Math.max(...rows.map(({ serverCpuUs }) => serverCpuUs ?? 0))
  const scaled = (us: number) => LABELS + (us / most) * BARS
  const goal = goalOf(rows, id)
  const bars = rows.map(({ server, serverCpuUs, timesRaw }, at) => {
    const top = y + HEAD + at * ROW
    const end = Math.max(LABELS + 1, scaled(serverCpuUs ?? 0))
    const isOurs = server === 'ours'
    const mark = isOurs && goal ? Math.min(scaled(goal.us), LABELS + BARS) : null
    const times = timesRaw === null ? '' : `, ${timesRaw.toFixed(1)}×`
    const line = mark === null ? '' : lineAt(mark, top)
    return `<text x="${LABELS - 8}" y="${top + 13}" text-anchor="end">${escaped(titles.get(server) ?? server)}</text>
<rect class="${isOurs ? 'ours' : 'other'}" x="${LABELS}" y="${top}" width="${(end - LABELS).toFixed(1)}" height="${ROW - 6}" rx="2"/>${line}
<text x="${(Math.max(end, mark ?? 0) + 6).toFixed(1)}" y="${top + 13}">${(serverCpuUs ?? 0).toFixed(0)} µs${times}</text>`
  })
  const told = goal ? `${heading}: our goal is ${goal.text}` : heading
  return [`<text class="head" x="0" y="${y + 18}">${escaped(told)}</text>`, ...bars]
}

/** Where our bar should end at most. */
function goalOf(rows: readonly Figures[], id: CaseId): { us: number; text: string } | null {
  const times = timesRawAtMost[id]
  const raw = rows.find(({ server }) => server === 'raw')?.serverCpuUs
  if (times === undefined || !raw) return null
  return { us: times * raw, text: times === 1 ? 'below 1×' : `at most ${times}×` }
}

const lineAt = (x: number, top: number) =>
  `\n<line class="goal" x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${top - 3}" y2="${top + ROW - 3}"/>`
