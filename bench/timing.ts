import { loader, type Load, type LoadResult } from './load.ts'
import { look, spentBetween } from './measure.ts'
import { hashesPerSecond } from './parts/parts.ts'
import { cpus, onEveryCpu, type Running } from './processes.ts'
import type { Bench, Sample } from './rounds.ts'
import type { Person, Seed } from './seed.ts'
import { refreshInTurns, sendInTurns, whileSigningIn } from './turns.ts'
import { send, type Call, type CaseId } from './workloads.ts'

/** A case, and what it asks of one server. */
export interface Asked {
  id: CaseId
  calls: readonly Call[]
}

/** As many logins as are hashed at once, and as many that wait: more would only wait longer. */
const LOGIN_CONNECTIONS = 2 * cpus

/** Times the other windows: at the end of one, a core has nothing left to hash while another one hashes its last. And a p99 beside logins has few to be of. */
const LOGIN_WINDOWS = 3

/** Refreshing is checked as it goes: each request needs the answer before it. A login costs as much as hundreds of others. */
export const checkedOf = ({ id, calls }: Asked) => (id === 'W5' ? [] : id === 'W4' ? calls.slice(0, 1) : calls)

/** Passwords are hashed beside the event loop: on one CPU both would only share it. */
const signsIn = (id: CaseId) => id === 'W4' || id.startsWith('W7')

type Timed = Omit<Sample, 'server' | 'case' | 'round'>

/** Takes the time of a case; of logins, beside what the machine can hash in that minute: its speed changes from one to the next. */
export async function timed(bench: Bench, server: Running, asked: Asked): Promise<Timed> {
  if (asked.id !== 'W4') return { ...(await timedAlone(bench, server, asked)), hashesPerSecond: null }
  const before = await hashesPerSecond(bench)
  const taken = await timedAlone(bench, server, asked)
  return { ...taken, hashesPerSecond: (before + (await hashesPerSecond(bench))) / 2 }
}

/** Takes the time of a case, and checks its answers before and after. @throws Error where a request fails */
async function timedAlone(bench: Bench, server: Running, asked: Asked): Promise<Omit<Timed, 'hashesPerSecond'>> {
  const { client, seed } = bench
  const checked = checkedOf(asked)
  for (const call of checked) await send(server.url, call)
  const before = await look(server.pid, client)
  const run = () =>
    withLogins(asked.id, server.url, seed.people, () => loading(asked.id, loadOf(bench, server, asked), seed))
  const { result, delayP99Ms } = signsIn(asked.id)
    ? await onEveryCpu(server.pid, () => watched(server, run))
    : { result: await run(), delayP99Ms: null }
  const { serverUs, postgresUs, othersShare } = spentBetween(before, await look(server.pid, client))
  if (result.failures > 0)
    throw new Error(`${result.failures} requests have failed beside the ${result.requests} that were answered`)
  if (result.requests === 0) throw new Error('no request has been answered')
  for (const call of checked.slice(0, 1)) await send(server.url, call)
  const each = (cpu: number | null) => (cpu === null ? null : cpu / result.requests)
  const { requests, p50Ms, p99Ms } = result
  return {
    ...{ requests, perSecond: requests / result.seconds, p50Ms, p99Ms, delayP99Ms },
    ...{ serverCpuUs: each(serverUs), postgresCpuUs: each(postgresUs), othersShare },
  }
}

async function watched(server: Running, run: () => Promise<LoadResult>) {
  await server.ask('watch the event loop')
  const result = await run()
  const { delayP99Ms = null } = await server.ask('tell its delay')
  return { result, delayP99Ms }
}

export function loadOf({ options }: Bench, { url }: Running, { id, calls }: Asked): Load {
  const { connections, seconds } = options
  return {
    ...{ url, calls },
    connections: id === 'W4' ? LOGIN_CONNECTIONS : connections,
    seconds: signsIn(id) ? LOGIN_WINDOWS * seconds : seconds,
  }
}

/** Loads a server as the case wants it. */
export function loading(id: CaseId, load: Load, { people }: Seed): Promise<LoadResult> {
  if (id === 'W4') return sendInTurns(load)
  return id === 'W5' ? refreshInTurns(load, people) : loader.run(load)
}

function withLogins<T>(id: CaseId, url: string, people: readonly Person[], run: () => Promise<T>): Promise<T> {
  return id === 'W7 logins' ? whileSigningIn(url, people, run) : run()
}
