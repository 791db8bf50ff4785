import { parseArgs } from 'node:util'
import { contestants } from './contestants.ts'
import { workloadIds, type WorkloadId } from './workloads.ts'

/** What the command line asks for. */
export interface Options {
  servers: string[]
  workloads: WorkloadId[]
  rounds: number
  seconds: number
  /** How many times 1,000 projects. */
  scale: number
  connections: number
  databaseUrl: string
  redisUrl: string | null
  keepDatabase: boolean
  /** Instead of comparing: where our server's time goes in a workload. */
  profile: WorkloadId | null
}

export const usage = `npm run bench -- [options]

  --servers ours,raw      of ${contestants.map(({ name }) => name).join(', ')}
  --workloads W1,W2       of ${workloadIds.join(', ')}
  --rounds 3              each server is started once a round
  --seconds 3             of each timed run; all are warmed up before the first
  --scale 1               1,000 projects times this: 10, or 1000 for a million
  --connections 32
  --keep-database
  --profile W2            compares nothing, and tells where our server spends the time of a workload

PostgreSQL is at DATABASE_URL, whose login must be allowed to make databases and roles. With REDIS_URL our server counts its
rate limits there.`

function whole(name: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new Error(`--${name} must be a whole number above 0`)
}

function chosen<Name extends string>(name: string, text: string, among: readonly Name[]): Name[] {
  const asked = text.split(',').map((part) => part.trim())
  const unknown = asked.filter((part) => !among.some((known) => known === part))
  if (unknown.length > 0) throw new Error(`--${name}: there is no ${unknown.join(', ')}; there are ${among.join(', ')}`)
  return among.filter((known) => asked.includes(known))
}

/** Reads the command line. @returns null where only the usage is wanted. @throws Error saying what is wrong with it */
export function readOptions(args: string[], environment: NodeJS.ProcessEnv): Options | null {
  const names = contestants.map(({ name }) => name)
  const { values } = parseArgs({
    args,
    options: {
      servers: { type: 'string', default: names.join(',') },
      workloads: { type: 'string', default: workloadIds.join(',') },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      connections: { type: 'string', default: '32' },
      profile: { type: 'string' },
      'keep-database': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const databaseUrl = environment.DATABASE_URL
  if (!databaseUrl)
    throw new Error('DATABASE_URL must name a PostgreSQL server, such as postgres://postgres@127.0.0.1:5432/postgres')
  return {
    servers: chosen('servers', values.servers, names),
    workloads: chosen('workloads', values.workloads, workloadIds),
    rounds: whole('rounds', values.rounds),
    seconds: whole('seconds', values.seconds),
    scale: whole('scale', values.scale),
    connections: whole('connections', values.connections),
    databaseUrl,
    redisUrl: environment.REDIS_URL ?? null,
    keepDatabase: values['keep-database'],
    profile: values.profile === undefined ? null : (chosen('profile', values.profile, workloadIds)[0] ?? null),
  }
}
