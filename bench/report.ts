import { mkdir, writeFile } from 'node:fs/promises'
import { chart } from './chart.ts'
import { goalsOf, type Evidence, type Goal } from './goals.ts'
import { describeMachine, OTHERS_MAY_TAKE, type Machine } from './machine.ts'
import type { Bench } from './rounds.ts'
import type { SqlCount } from './statements.ts'
import {
  figuresOf,
  partFiguresOf,
  serverFiguresOf,
  type Figures,
  type PartFigures,
  type ServerFigures,
} from './summary.ts'
import { figure, table } from './table.ts'
import { casesOf, workloads, type CaseId, type WorkloadId } from './workloads.ts'

interface Result {
  machine: Machine
  run: object
  goals: Goal[]
  figures: Figures[]
  servers: ServerFigures[]
  parts: PartFigures
  sql: Record<string, SqlCount>
}

export const RESULTS = new URL('results/', import.meta.url)

/** Writes to a file of results/. @param content a text, or what is to be written as JSON */
export async function writeResult(name: string, content: string | object): Promise<void> {
  await mkdir(RESULTS, { recursive: true })
  const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`
  await writeFile(new URL(name, RESULTS), text)
}

/** Prints what was measured, and writes it to results/, with the chart. */
export async function report(bench: Bench, evidence: Evidence): Promise<void> {
  const { options, seed, client, contestants } = bench
  const { samples, visits, parts, sql } = evidence
  const { rounds, seconds, connections, scale } = options
  const result: Result = {
    machine: await describeMachine(client, samples),
    run: {
      ...{ rounds, seconds, connections, projects: 1_000 * scale, deepPage: seed.large.pages },
      rateLimitsIn: options.redisUrl ? 'Redis' : 'PostgreSQL',
      minutes: Number(minutesSince(bench.since).toFixed(1)),
    },
    goals: goalsOf(evidence),
    figures: figuresOf(samples),
    servers: serverFiguresOf(visits),
    parts: partFiguresOf(parts),
    sql,
  }
  const titles = new Map(contestants.map(({ name, title }) => [name, title]))
  print(bench, result, titles)
  await writeResult(scale === 1 ? 'latest.json' : `scale-${scale}.json`, result)
  if (scale === 1) await writeResult('chart.svg', chart(result.figures, titles, result.machine))
}

const minutesSince = (since: number) => (performance.now() - since) / 60_000

function print({ say, options }: Bench, result: Result, titles: ReadonlyMap<string, string>): void {
  const { machine, figures, servers, goals, parts, sql } = result
  say(
    `\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, PostgreSQL ${machine.postgresql}, ${machine.date}`,
  )
  say(
    `${JSON.stringify(result.run)}; medians of the rounds; the server ${machine.pinned ? 'pinned to a CPU' : 'not pinned'}`,
  )
  const { median, most } = machine.others
  if (median !== null && most !== null) say(`Others took ${median} % of the CPUs meanwhile, ${most} % at most`)
  if ((median ?? 0) > OTHERS_MAY_TAKE) say('The machine was busy: believe nothing but ratios, and those with care.')
  for (const id of options.workloads) {
    for (const one of casesOf([id]))
      say(
        `\n${headingOf(id, one)}\n${caseTable(
          figures.filter((row) => row.case === one),
          titles,
        )}`,
      )
  }
  say(`\nServers\n${serverTable(servers, sql, titles)}`)
  say(`\nParts of ours\n${partTable(parts)}`)
  const rows = goals.map(({ goal, target, measured, verdict }) => [goal, target, measured, verdict])
  say(`\n${table(['Goal', 'target', 'measured', 'verdict'], rows)}`)
}

function headingOf(id: WorkloadId, one: CaseId): string {
  return one === id ? `${id}  ${workloads[id]}` : `${one}  (${workloads[id]})`
}

function caseTable(rows: readonly Figures[], titles: ReadonlyMap<string, string>): string {
  return table(
    ['server', 'CPU µs', '× raw', 'PostgreSQL µs', 'requests/s', 'p50 ms', 'p99 ms', 'event loop p99 ms'],
    rows.map((row) => [
      titles.get(row.server) ?? row.server,
      ...[figure(row.serverCpuUs), figure(row.timesRaw, 2), figure(row.postgresCpuUs)],
      ...[figure(row.perSecond, (row.perSecond ?? 0) < 10 ? 1 : 0), figure(row.p50Ms, 1), figure(row.p99Ms, 1)],
      figure(row.delayP99Ms, 1),
    ]),
  )
}

function serverTable(rows: readonly ServerFigures[], sql: Result['sql'], titles: ReadonlyMap<string, string>): string {
  const sqlOf = (server: string) => {
    const count = sql[server]
    return count ? [count.transactions, count.forRows, count.roundTrips].map((each) => figure(each)) : ['', '', '']
  }
  return table(
    ['server', 'start-up ms', 'RSS MiB', 'W2 transactions', 'statements for rows', 'round trips'],
    rows.map(({ server, startUpMs, rssMiB }) => [
      titles.get(server) ?? server,
      ...[figure(startUpMs), figure(rssMiB), ...sqlOf(server)],
    ]),
  )
}

function partTable(parts: PartFigures): string {
  const rows = [
    ['the plan of a cached operation, µs', figure(parts.planUs, 2)],
    ['W2 without HTTP, PostgreSQL and access, µs', figure(parts.unguardedW2Us, 1)],
    ['what the plan and the guards add to it, µs', figure(parts.accessUs, 1)],
    ['an access token seen before, µs', figure(parts.seenTokenUs, 1)],
    ['an access token that is new, µs', figure(parts.newTokenUs, 1)],
    ['jsonwebtoken alone, HS256, µs', figure(parts.jsonwebtokenUs, 1)],
  ]
  return table(['part', 'CPU'], rows)
}
