import { readFileSync, writeFileSync } from 'node:fs'
import type { Asked, Kind } from './clients-plan.ts'
import { findingOf, keepFinding, percentile, placeOf, tableOf, writePage } from './findings.ts'
import type { Within } from './histogram.ts'
import type { Look } from './inspector.ts'
import { chart, type Curve } from './load-chart.ts'

/** What was seen of the server at a time, in seconds from the beginning. */
export type Moment = Look & { seconds: number }

/** A load that was borne. */
export interface Load {
  clients: number
  /** The shortest and the longest pause of a client, in milliseconds. */
  pauseMs: readonly [number, number]
  seconds: number
  asked: readonly Asked[]
  moments: readonly Moment[]
  /** What the heap still held after it was collected. */
  heaps: { seconds: number; bytes: number }[]
  /** How many access tokens were made within 100 ms, and checked within 50. */
  tokens: { making: Within; checking: Within }
}

/** What came of asking for more than can be served. */
export interface Overload {
  limit: string
  served: number
  refused: number
  servedMs: { p50: number; p99: number }
  refusedMs: { p50: number; p99: number } | null
  liveMs: { p50: number; p99: number }
  readyMs: { p50: number; p99: number }
  /** How often the server said that it was not ready, or did not live: its readiness asks the database, and waits for it in its turn. */
  unready: number
  backMs: number
}

/** What a page is told of: shorter runs are for whoever works on the test. */
const WHOLE_SECONDS = 300
const SLICE_SECONDS = 5

export const noteLoad = (load: Load): void => keepFinding('load', load)
export const noteOverload = (overloads: readonly Overload[]): void => keepFinding('overload', overloads)

const KINDS: Record<Kind, string> = {
  read: 'projects with their gateways',
  me: 'the own account and its organizations',
  write: 'a new project, with its audit event',
  refresh: 'a new token pair for a refresh token',
  login: 'sign-in, its password hashed at a cost of 12',
}

const ms = (time: number | null): string =>
  time === null ? '' : time < 10 ? `${time.toFixed(1)} ms` : `${time.toFixed(0)} ms`
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

function tableOfKinds(asked: readonly Asked[]): string {
  const rows = Object.entries(KINDS).map(([kind, words]) => {
    const times = asked.filter((one) => one.kind === kind).map(({ tookMs }) => tookMs)
    return [words, String(times.length), ...[0.5, 0.99, 1].map((share) => ms(percentile(times, share)))]
  })
  return tableOf(['request', 'answered', 'p50', 'p99', 'longest'], ['---', '---:', '---:', '---:', '---:'], rows)
}

function tableOfOverload(overloads: readonly Overload[]): string {
  const pair = (times: { p50: number; p99: number } | null) => (times ? `${ms(times.p50)}, ${ms(times.p99)}` : '')
  const rows = overloads.map(({ limit, served, refused, servedMs, refusedMs, liveMs, readyMs, unready, backMs }) => {
    return [
      limit,
      String(served),
      String(refused),
      pair(servedMs),
      pair(refusedMs),
      pair(liveMs),
      pair(readyMs),
      String(unready),
      ms(backMs),
    ]
  })
  const titles = [
    'limit',
    'served',
    'refused',
    'served after',
    'refused after',
    'lives, after',
    'ready, after',
    'not ready',
    'first answer afterwards',
  ]
  return tableOf(titles, ['---', ...titles.slice(1).map(() => '---:')], rows)
}

/** The curves of a load: what its clients waited for, and what the server held. */
function curvesOf({ asked, moments, heaps }: Load): Curve[] {
  const slices = Map.groupBy(asked, ({ atMs }) => Math.floor(atMs / 1_000 / SLICE_SECONDS))
  const latency = (share: number) =>
    [...slices]
      .sort(([one], [other]) => one - other)
      .map(([slice, of]) => ({
        x: slice * SLICE_SECONDS,
        y:
          percentile(
            of.map(({ tookMs }) => tookMs),
            share,
          ) ?? 0,
      }))
  const seen = (of: (moment: Moment) => number) => moments.map((moment) => ({ x: moment.seconds, y: of(moment) }))
  return [
    { title: 'Answers, ms', lines: { p50: latency(0.5), p99: latency(0.99) } },
    {
      title: 'Delay of the event loop, ms',
      lines: { p50: seen(({ delayMs }) => delayMs.p50), p99: seen(({ delayMs }) => delayMs.p99) },
    },
    {
      title: 'Memory, MiB',
      lines: {
        'heap, collected': heaps.map(({ seconds, bytes }) => ({ x: seconds, y: bytes / 2 ** 20 })),
        heap: seen(({ heapBytes }) => heapBytes / 2 ** 20),
        process: seen(({ rssBytes }) => rssBytes / 2 ** 20),
      },
    },
  ]
}

/** What a load comes to, in sentences. */
function figuresOf({ asked, moments, heaps, tokens, clients, seconds, pauseMs }: Load): string[] {
  const wrong = asked.filter(({ outcome }) => outcome !== '200').length
  const pauses = pauseMs.map((pause) => (pause / 1_000).toFixed(1)).join(' to ')
  const delay = moments.at(-1)?.delayInAllMs
  const collected = [heaps[0], heaps.at(-1)].map(
    (heap) => heap && `${mib(heap.bytes)} after ${heap.seconds.toFixed(0)} s`,
  )
  const within = ({ share, count }: Within) => `${(share * 100).toFixed(2)} % of ${count}`
  return [
    `${clients} clients, ${seconds} s, pauses of ${pauses} s: ${asked.length} requests, ${(asked.length / seconds).toFixed(0)} a second, of which ${wrong} failed.`,
    `The heap after a collection: ${collected.join(', ')}.`,
    `The event loop's delay: p50 ${ms(delay?.p50 ?? null)}, p99 ${ms(delay?.p99 ?? null)}, at most ${ms(delay?.max ?? null)}.`,
    `Access tokens made within 100 ms: ${within(tokens.making)}; checked within 50 ms: ${within(tokens.checking)}.`,
  ]
}

/** After a run: writes the page and its curves, if everything was measured for as long as it must be. */
export async function writeLoad(): Promise<void> {
  const load: Load | null = findingOf('load')
  const overloads: Overload[] | null = findingOf('overload')
  if (!load || !overloads || load.seconds < WHOLE_SECONDS) {
    console.log('docs/load.md is left as it is: not everything in it was measured, or not for long enough')
    return
  }
  const head = readFileSync(placeOf('test/hard/load-head.md'), 'utf8')
  const parts = {
    FIGURES: figuresOf(load)
      .map((line) => `- ${line}`)
      .join('\n'),
    KINDS: tableOfKinds(load.asked),
    OVERLOAD: tableOfOverload(overloads),
  }
  const text = Object.entries(parts).reduce((page, [name, part]) => page.replace(`<!-- ${name} -->`, part), head)
  writeFileSync(placeOf('docs/load.svg'), chart(curvesOf(load), load.seconds))
  await writePage('docs/load.md', text)
}
