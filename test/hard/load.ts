import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CREATE, PROJECTS, REVOKE } from '../api-key/given-api-key.ts'
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
  /** Asks every instance with each API key whose end was acknowledged. */
  askWithEnded(): Promise<Seen[]>
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

/**
 * Lets each person read and write from now on, on two connections, and one of them make API keys, use and revoke them.
 * @param others more instances, which know the keys before they are revoked
 */
export function startLoad(
  url: string | (() => string),
  people: readonly Person[],
  others: readonly string[] = [],
): Load {
  const [seen, acknowledged, ended]: [Seen[], string[], string[]] = [[], [], []]
  const address = typeof url === 'string' ? () => url : url
  let isStopped = false
  const sawOne = async (...request: Parameters<typeof see>) => {
    const one = await see(...request)
    seen.push(one)
    return one
  }
  const askWith = (at: string, secret: string) => see(at, PROJECTS, { headers: { 'x-api-key': secret } })

  async function work(person: Person): Promise<void> {
    for (let turn = 0; !isStopped; turn += 1) {
      const writes = turn % 2 === 1
      const sending = { token: person.token, ...(writes && { variables: { name: `made ${randomUUID()}` } }) }
      const one = await sawOne(address(), writes ? WRITE : READ, sending)
      if (writes && isServed(one)) acknowledged.push(one.data.createProject.project.id)
      await sleep(PAUSE_MS)
    }
  }
  async function endKeys({ token }: Person): Promise<void> {
    while (!isStopped) {
      await sleep(PAUSE_MS)
      // In production a key must end.
      const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
      const input = { name: 'to be revoked', service: 'load', scopes: ['read:projects'], expiresAt }
      const made = await sawOne(address(), CREATE, { token, variables: { input } })
      if (!isServed(made)) continue
      const { secret, apiKey } = made.data.createApiKey
      for (const at of [address(), ...others]) await askWith(at, secret)
      const revoked = await sawOne(address(), REVOKE, { token, variables: { input: { id: apiKey.id } } })
      if (isServed(revoked)) ended.push(secret)
    }
  }
  const working = [
    ...people.flatMap((person) => Array.from({ length: CLIENTS_A_PERSON }, () => work(person))),
    ...people.slice(0, 1).map(endKeys),
  ]
  return {
    seen,
    acknowledged,
    async askWithEnded() {
      const asked: Seen[] = []
      for (const at of [address(), ...others]) for (const secret of ended) asked.push(await askWith(at, secret))
      return asked
    },
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
