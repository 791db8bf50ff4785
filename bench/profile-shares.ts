import type { Profiler } from 'node:inspector'

/** What part of the time was spent in something itself, without what it has called. */
export interface Share {
  name: string
  /** Of the time in which the process was not idle. */
  percent: number
  us: number
}

type CallFrame = Profiler.ProfileNode['callFrame']

/** Where code comes from, as one looks for it: a file of ours, of a package, or of Node. */
function fileOf({ url }: CallFrame): string {
  const inPackage = url.split('/node_modules/').at(-1)
  if (inPackage !== undefined && inPackage !== url) return inPackage
  const inSource = /\/(src\/.*)$/.exec(url)?.[1]
  return inSource ?? url
}

/** V8's own names for what is not JavaScript. */
const native: ReadonlyMap<string, string> = new Map([
  ['(program)', 'native code outside JavaScript: system calls, V8'],
  ['(garbage collector)', 'garbage collection'],
])

function functionOf(frame: CallFrame): string {
  const { functionName, url, lineNumber } = frame
  const ofV8 = native.get(functionName)
  if (ofV8 !== undefined) return ofV8
  const name = functionName || `line ${lineNumber + 1}`
  return url ? `${name}  ${fileOf(frame)}` : `${name}  (built in)`
}

/** The package, the folder of ours, or the part of Node. */
function placeOf(frame: CallFrame): string {
  const { functionName, url } = frame
  const ofV8 = native.get(functionName)
  if (ofV8 !== undefined) return ofV8
  if (url === '') return 'built into V8 and Node'
  const file = fileOf(frame)
  if (file.startsWith('src/')) return file.split('/').slice(0, -1).join('/')
  if (file.startsWith('node:')) return file.split('/').slice(0, 2).join('/')
  return file
    .split('/')
    .slice(0, file.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Waiting, and the profiler's own start and end. */
const isLeftOut = ({ functionName, url }: CallFrame) => functionName === '(idle)' || url === 'node:inspector'

/** The time of each function itself, and of each place, the largest first. */
export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): {
  functions: Share[]
  places: Share[]
} {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const self = new Map<CallFrame, number>()
  samples.forEach((id, at) => {
    const frame = frames.get(id)
    // A moment's sample stands for the time up to it.
    if (frame && !isLeftOut(frame)) self.set(frame, (self.get(frame) ?? 0) + (timeDeltas[at] ?? 0))
  })
  return { functions: grouped(self, functionOf), places: grouped(self, placeOf) }
}

function grouped(self: ReadonlyMap<CallFrame, number>, nameOf: (frame: CallFrame) => string): Share[] {
  const sums = new Map<string, number>()
  for (const [frame, us] of self) sums.set(nameOf(frame), (sums.get(nameOf(frame)) ?? 0) + us)
  const total = [...sums.values()].reduce((sum, us) => sum + us, 0)
  return [...sums]
    .map(([name, us]) => ({ name, us, percent: total === 0 ? 0 : (100 * us) / total }))
    .sort((one, other) => other.us - one.us)
}
