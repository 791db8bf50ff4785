import { setTimeout as sleep } from 'node:timers/promises'
import { loginOf, refreshOf } from './graphql-calls.ts'
import type { Load, LoadResult } from './load.ts'
import type { Person } from './seed.ts'
import { percentile } from './statistics.ts'
import { send } from './workloads.ts'

/**
 * Has each of several do something again and again for a while, and waits for the last: what no load generator can do where
 * a request needs the answer before it, and where requests are so few that those cut off at the end would count.
 */
async function inTurns(seconds: number, doers: readonly (() => Promise<unknown>)[]): Promise<LoadResult> {
  const latencies: number[] = []
  const since = performance.now()
  const work = async (act: () => Promise<unknown>) => {
    while (performance.now() < since + seconds * 1_000) {
      const sent = performance.now()
      await act()
      latencies.push(performance.now() - sent)
    }
  }
  await Promise.all(doers.map(work))
  return {
    requests: latencies.length,
    failures: 0,
    seconds: (performance.now() - since) / 1_000,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
  }
}

/** Refreshes the people's sessions, each with the token that the refresh before it has given. */
export function refreshInTurns({ url, seconds }: Load, people: readonly Person[]): Promise<LoadResult> {
  const refresh = async (person: Person) => {
    const answer = (await send(url, refreshOf(person.refreshToken))) as { data: { refresh: { refreshToken: string } } }
    person.refreshToken = answer.data.refresh.refreshToken
  }
  return inTurns(
    seconds,
    people.map((person) => () => refresh(person)),
  )
}

/** Sends what takes long over a few connections. */
export function sendInTurns({ url, calls, connections, seconds }: Load): Promise<LoadResult> {
  const sender = (at: number) => {
    let next = at
    return async () => {
      const call = calls[next % calls.length]
      next += connections
      if (call) await send(url, call)
    }
  }
  return inTurns(
    seconds,
    Array.from({ length: connections }, (_, at) => sender(at)),
  )
}

/** As many logins at any moment as this. */
const LOGINS = 20
/** Until the first of them are being hashed. */
const LEAD_MS = 500

/**
 * Does something while people sign in, always as many at once. Whether a login is answered in time is not asked: what is
 * measured is everybody else.
 */
export async function whileSigningIn<T>(url: string, people: readonly Person[], work: () => Promise<T>): Promise<T> {
  let isOver = false
  const signIn = async (at: number) => {
    for (let next = at; !isOver; next += 1) {
      const person = people[next % people.length]
      if (person) await send(url, loginOf(person)).catch(() => sleep(LEAD_MS))
    }
  }
  const signingIn = Promise.all(Array.from({ length: LOGINS }, (_, at) => signIn(at)))
  try {
    await sleep(LEAD_MS)
    return await work()
  } finally {
    isOver = true
    await signingIn
  }
}
