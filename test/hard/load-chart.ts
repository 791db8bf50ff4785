/** One panel of a chart: lines over the same time, in seconds. */
export interface Curve {
  title: string
  lines: Record<string, readonly { x: number; y: number }[]>
}

const [WIDTH, HEIGHT, LEFT, TOP, GAP] = [760, 110, 48, 24, 34]

/** Readable on a light page and on a dark one. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .head { font-weight: 600 }
  polyline { fill: none; stroke-width: 1.5 }
  .axis { stroke: #8c959f; stroke-width: 0.5 }
  .line0 { stroke: #0969da } .line1 { stroke: #bf8700 } .line2 { stroke: #8c959f }
  text.line0 { fill: #0969da; stroke: none } text.line1 { fill: #bf8700; stroke: none } text.line2 { fill: #8c959f; stroke: none }
  @media (prefers-color-scheme: dark) { text { fill: #9198a1 } }`

/** Curves below each other, as SVG. */
export function chart(curves: readonly Curve[], seconds: number): string {
  const drawn = curves.flatMap((curve, at) => panel(curve, at * (HEIGHT + TOP + GAP), seconds))
  const height = curves.length * (HEIGHT + TOP + GAP)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="A load over its time">
<style>${STYLE}</style>
${drawn.join('\n')}
</svg>
`
}

function panel({ title, lines }: Curve, y: number, seconds: number): string[] {
  const named = Object.entries(lines)
  const most = Math.max(1, ...named.flatMap(([, points]) => points.map((point) => point.y))) * 1.05
  const bottom = y + TOP + HEIGHT
  const [across, up] = [
    (x: number) => LEFT + (x / seconds) * (WIDTH - LEFT),
    (of: number) => bottom - (of / most) * HEIGHT,
  ]
  const places = [0, 0.25, 0.5, 0.75, 1].map((share) => share * seconds)
  return [
    `<text class="head" x="0" y="${y + 14}">${title}</text>`,
    ...named.map(([name], at) => `<text class="line${at}" x="${240 + at * 130}" y="${y + 14}">${name}</text>`),
    ...[0, most / 2, most].map((of) => tick(of, up(of))),
    ...places.map(
      (x) =>
        `<text x="${across(x).toFixed(0)}" y="${bottom + 15}" text-anchor="${x === seconds ? 'end' : 'middle'}">${x} s</text>`,
    ),
    ...named.map(([, points], at) => {
      const path = points.map((point) => `${across(point.x).toFixed(1)},${up(point.y).toFixed(1)}`)
      return `<polyline class="line${at}" points="${path.join(' ')}"/>`
    }),
  ]
}

const tick = (of: number, y: number): string =>
  `<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/>` +
  `<text x="${LEFT - 6}" y="${(y + 4).toFixed(1)}" text-anchor="end">${of < 10 ? of.toFixed(1) : of.toFixed(0)}</text>`
