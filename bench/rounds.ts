import type { Client } from 'pg'
import type { Contestant } from './contestants.ts'
import { loader, type Load, type LoadResult } from './load.ts'
import { look, rssOf, spentBetween } from './measure.ts'
import type { Options } from './options.ts'
import { onEveryCpu, start, type Running } from './processes.ts'
import type { Seed } from './seed.ts'
import { refreshInTurns, sendInTurns, whileSigningIn } from './turns.ts'
import { casesOf, send, type Call, type CaseId } from './workloads.ts'

/** One timed run. */
export interface Sample {
  server: string
  case: CaseId
  round: number
  requests: number
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** CPU time a request, in microseconds; null where the system does not tell. */
  serverCpuUs: number | null
  postgresCpuUs: number | null
  /** How much of the machine was somebody else's meanwhile. */
  othersShare: number | null
}

/** One start of a server. */
export interface Visit {
  server: string
  round: number
  startUpMs: number
  rssMiB: number | null
}

export interface Bench {
  seed: Seed
  client: Client
  options: Options
  contestants: readonly Contestant[]
  say: (line: string) => void
}

/** Logins are hashed on two threads: more of them at once would only wait. */
const LOGIN_CONNECTIONS = 4
const WARM_UP_SECONDS = 3

/** Starts each server alone, once a round, and times what it does. */
export async function runRounds(bench: Bench): Promise<{ samples: Sample[]; visits: Visit[] }> {
  const samples: Sample[] = []
  const visits: Visit[] = []
  for (let round = 1; round <= bench.options.rounds; round += 1) {
    for (const contestant of bench.contestants) {
      bench.say(`round ${round} of ${bench.options.rounds}: ${contestant.title}`)
      const visited = await visit(bench, contestant, round)
      samples.push(...visited.samples)
      visits.push(visited.visit)
    }
  }
  return { samples, visits }
}

/** What a server is asked first: the first request of the first case that it takes part in. */
export async function probeOf(contestant: Contestant, seed: Seed, cases: readonly CaseId[]) {
  const ask = async (url: string) => {
    for (const id of cases) {
      const [call] = id === 'W5' ? [] : await contestant.calls(id, seed, url)
      if (call) return send(url, call)
    }
    return null
  }
  return ask
}

async function visit(bench: Bench, contestant: Contestant, round: number) {
  const { seed, options } = bench
  const cases = casesOf(options.workloads, round)
  const probe = await probeOf(contestant, seed, ['W0', 'W1', ...cases])
  const server = await start({ program: contestant.program, settings: contestant.settings(seed), probe })
  try {
    const samples: Sample[] = []
    for (const id of cases) {
      const calls = await contestant.calls(id, seed, server.url)
      if (calls.length === 0) continue
      const sample = await timed(bench, server, { id, calls })
      samples.push({ server: contestant.name, case: id, round, ...sample })
      bench.say(`  ${id.padEnd(9)} ${brief(sample)}`)
    }
    const rssMiB = rssOf(server.pid)
    return { samples, visit: { server: contestant.name, round, startUpMs: server.startUpMs, rssMiB } }
  } finally {
    await server.stop()
  }
}

type Figures = Omit<Sample, 'server' | 'case' | 'round'>

function brief({ serverCpuUs, postgresCpuUs, perSecond, p50Ms, p99Ms }: Figures): string {
  const cpu = `${serverCpuUs?.toFixed(0) ?? '?'} + ${postgresCpuUs?.toFixed(0) ?? '?'} µs`
  return `${cpu.padStart(18)} ${perSecond.toFixed(0).padStart(7)}/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`
}

interface Asked {
  id: CaseId
  calls: readonly Call[]
}

async function timed(bench: Bench, server: Running, { id, calls }: Asked): Promise<Figures> {
  const { client, options, seed } = bench
  const isLogin = id === 'W4'
  const connections = isLogin ? LOGIN_CONNECTIONS : options.connections
  const load: Load = { url: server.url, calls, connections, seconds: options.seconds }
  const checked = isLogin ? calls.slice(0, 1) : id === 'W5' ? [] : calls
  for (const call of checked) await send(server.url, call)
  if (!isLogin) await loading(id, { ...load, seconds: Math.min(WARM_UP_SECONDS, options.seconds) }, seed, false)
  const before = await look(server.pid, client)
  const run = () => loading(id, load, seed, true)
  // Passwords are hashed beside the event loop: on one CPU both would only share it.
  const result = id.startsWith('W7') ? await onEveryCpu(server.pid, run) : await run()
  const { serverUs, postgresUs, othersShare } = spentBetween(before, await look(server.pid, client))
  if (result.failures > 0) throw new Error(`${id}: ${result.failures} of ${result.requests} requests have failed`)
  for (const call of checked.slice(0, 1)) await send(server.url, call)
  const each = (cpu: number | null) => (cpu === null || result.requests === 0 ? null : cpu / result.requests)
  return {
    requests: result.requests,
    perSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    serverCpuUs: each(serverUs),
    postgresCpuUs: each(postgresUs),
    othersShare,
  }
}

async function loading(id: CaseId, load: Load, { people }: Seed, isTimed: boolean): Promise<LoadResult> {
  if (id === 'W4') return sendInTurns(load)
  if (id === 'W5') return refreshInTurns(load, people)
  if (id === 'W7 logins' && isTimed) return whileSigningIn(load.url, people, () => loader.run(load))
  return loader.run(load)
}
