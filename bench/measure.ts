import { readFileSync, readdirSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Client } from 'pg'

/** What the kernel counts CPU time in, in /proc. */
const MICROSECONDS_A_TICK = 10_000

/** CPU time by process id, in microseconds. */
type CpuTimes = ReadonlyMap<number, number>

interface ProcessStat {
  command: string
  parent: number
  cpu: number
  /** Of the processes that it has started and that have ended. */
  ended: number
}

/** A process as /proc has it, all of its threads together; null where there is none, or no /proc. */
function statOf(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [parent = 0, ...times] = [fields[1], ...fields.slice(11, 15)].map(Number)
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = times
    return {
      command: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      parent,
      cpu: (user + system) * MICROSECONDS_A_TICK,
      ended: (endedUser + endedSystem) * MICROSECONDS_A_TICK,
    }
  } catch {
    return null
  }
}

function allProcesses(): Map<number, ProcessStat> {
  const found = new Map<number, ProcessStat>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (stat) found.set(Number(name), stat)
  }
  return found
}

/** A process and those that it has started, by process id; null where the system does not tell. */
function familyOf(pid: number): ReadonlyMap<number, ProcessStat> | null {
  if (!statOf(pid)) return null
  const processes = allProcesses()
  const family = new Map<number, ProcessStat>()
  const add = (id: number) => {
    const stat = processes.get(id)
    if (stat) family.set(id, stat)
    for (const [child, { parent }] of processes) if (parent === id) add(child)
  }
  add(pid)
  return family
}

/** The CPU time of a process and of those that it has started; null where the system does not tell. */
function cpuOf(pid: number): CpuTimes | null {
  const family = familyOf(pid)
  return family && new Map([...family].map(([id, { cpu }]) => [id, cpu]))
}

/**
 * The CPU time of PostgreSQL's processes that work for this database: its backends, and those that write for all. Backends of
 * other databases are somebody else's. Null where PostgreSQL runs on another machine.
 */
async function cpuOfPostgres(client: Client): Promise<CpuTimes | null> {
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity where pid <> pg_backend_pid()
     and (datname = current_database() or datname is null)`,
  )
  const times = new Map<number, number>()
  for (const { pid } of rows) {
    const stat = statOf(pid)
    if (stat && !stat.command.startsWith('postgres')) return null
    if (stat) times.set(pid, stat.cpu)
  }
  return times.size > 0 ? times : null
}

/** The CPU time spent between two looks. What a process spent that has ended meanwhile is not known, and left out. */
function cpuBetween(before: CpuTimes | null, after: CpuTimes | null): number | null {
  if (!before || !after) return null
  return [...after].reduce((sum, [pid, cpu]) => sum + cpu - (before.get(pid) ?? 0), 0)
}

/** The CPU time that was spent on this machine by anybody, with what its host took away from it. */
function cpuOfMachine(): number | null {
  try {
    const [user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0, stolen = 0] = readFileSync(
      '/proc/stat',
      'utf8',
    )
      .slice(5, 200)
      .split(' ')
      .map(Number)
    return (user + nice + system + interrupts + soft + stolen) * MICROSECONDS_A_TICK
  } catch {
    return null
  }
}

/** What everybody has spent up to a moment. */
export interface Look {
  readonly at: number
  readonly server: CpuTimes | null
  readonly postgres: CpuTimes | null
  /** This program and the load generators that it has run. */
  readonly own: number
  readonly machine: number | null
}

export async function look(server: number, client: Client): Promise<Look> {
  const postgres = await cpuOfPostgres(client)
  const own = statOf(process.pid)
  return {
    ...{ at: performance.now(), server: cpuOf(server), postgres },
    ...{ own: own ? own.cpu + own.ended : 0, machine: cpuOfMachine() },
  }
}

export interface Spent {
  serverUs: number | null
  postgresUs: number | null
  /** How much of all CPUs went to somebody who has nothing to do with the measurement. */
  othersShare: number | null
}

/** What was spent between two looks. */
export function spentBetween(before: Look, after: Look): Spent {
  const server = cpuBetween(before.server, after.server)
  const postgres = cpuBetween(before.postgres, after.postgres)
  const machine = before.machine !== null && after.machine !== null ? after.machine - before.machine : null
  const known = (server ?? 0) + (postgres ?? 0) + after.own - before.own
  const all = (after.at - before.at) * 1_000 * cpus().length
  return {
    serverUs: server,
    postgresUs: postgres,
    othersShare: machine === null ? null : Math.max(0, machine - known) / all,
  }
}

/** How much memory a process and those that it has started hold, in MiB; null where the system does not tell. */
export function rssOf(pid: number): number | null {
  try {
    const kibibytes = [...(familyOf(pid)?.keys() ?? [])].map((id) =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]),
    )
    return kibibytes.length > 0 ? kibibytes.reduce((sum, each) => sum + each, 0) / 1024 : null
  } catch {
    return null
  }
}
