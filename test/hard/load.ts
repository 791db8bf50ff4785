import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendTo, type Person } from '../harness.ts'

/** One request, as its client saw it. Times are those of `performance.now()`. */
export interface Seen {
  startedAt: number
  endedAt: number
  /** `200`, `503 UNAVAILABLE`, or `no answer`. */
  outcome: string
  retryAfter: string | null
}

/** Clients that read and write without a pause to speak of. */
export interface Load {
  seen: readonly Seen[]
  /** The ids of the projects whose making was acknowledged. */
  acknowledged: readonly string[]
  /** Waits until nothing has failed for this long, in milliseconds. */
  untilCalm(calmMs: number): Promise<void>
  stop(): Promise<void>
}

const READ = '{ projects(first: 5) { nodes { id name } } }'
const WRITE = 'mutation ($name: String!) { createProject(input: { name: $name }) { project { id } } }'
const CLIENTS_A_PERSON = 2
const PAUSE_MS = 15
const PATIENCE_MS = 60_000

export const isServed = ({ outcome }: Pick<Seen, 'outcome'>): boolean => outcome === '200'

/** Sends one request, and tells what became of it. */
export async function see(
  url: string,
  query: string,
  sending: Parameters<typeof sendTo>[2],
): Promise<Seen & { data: any }> {
  const startedAt = performance.now()
  const told = (outcome: string, retryAfter: string | null, data: unknown) => {
    return { startedAt, endedAt: performance.now(), outcome, retryAfter, data }
  }
  try {
    const { status, errors, headers, data } = await sendTo(url, query, sending)
    const codes = new Set(errors.map(({ extensions }) => String(extensions.code)))
    return told([status, ...codes].join(' '), headers.get('retry-after'), data)
  } catch {
    return told('no answer', null, null)
  }
}

/** Lets each person read and write from now on, on two connections. */
export function startLoad(url: string | (() => string), people: readonly Person[]): Load {
  const [seen, acknowledged]: [Seen[], string[]] = [[], []]
  const address = typeof url === 'string' ? () => url : url
  let isStopped = false

  async function work(person: Person): Promise<void> {
    for (let turn = 0; !isStopped; turn += 1) {
      const writes = turn % 2 === 1
      const sending = { token: person.token, ...(writes && { variables: { name: `made ${randomUUID()}` } }) }
      const one = await see(address(), writes ? WRITE : READ, sending)
      seen.push(one)
      if (writes && isServed(one)) acknowledged.push(one.data.createProject.project.id)
      await sleep(PAUSE_MS)
    }
  }
  const working = people.flatMap((person) => Array.from({ length: CLIENTS_A_PERSON }, () => work(person)))
  return {
    seen,
    acknowledged,
    async untilCalm(calmMs) {
      const since = performance.now()
      for (;;) {
        await sleep(100)
        const now = performance.now()
        if (now - since < calmMs) continue
        const lately = seen.filter(({ endedAt }) => endedAt > now - calmMs)
        if (lately.length > 0 && lately.every(isServed)) return
        if (now - since > PATIENCE_MS) throw new Error(`Not calm: ${lately.map(({ outcome }) => outcome).join(', ')}`)
      }
    },
    async stop() {
      isStopped = true
      await Promise.all(working)
    },
  }
}

/** What clients saw of a failure: how many of each outcome, from its start on. */
export function sawOf(seen: readonly Seen[]): string {
  const counts = Map.groupBy(seen, ({ outcome }) => outcome)
  const told = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([outcome, of]) => `${of.length} × ${outcome}`)
  return told.join(', ')
}

/** The longest wait of a client, in milliseconds. */
export const slowestOf = (seen: readonly Seen[]): number =>
  Math.max(0, ...seen.map(({ startedAt, endedAt }) => endedAt - startedAt))

/** How long after `end` the last request failed, in milliseconds. */
export const backAfter = (seen: readonly Seen[], end: number): number =>
  Math.max(0, ...seen.filter((one) => !isServed(one)).map(({ endedAt }) => endedAt - end))
