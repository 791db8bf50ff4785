import { setTimeout as sleep } from 'node:timers/promises'
import { contestants } from './contestants.ts'
import { makeDatabase, type BenchDatabase } from './database.ts'
import { readOptions, usage, type Options } from './options.ts'
import { endChildren, stepAside } from './processes.ts'
import { reportProfile } from './profile.ts'
import { report } from './report.ts'
import { runRounds, type Bench } from './rounds.ts'
import { makeSeed } from './seed.ts'
import { sqlOfProjects } from './sql-of-projects.ts'

const say = (line: string) => console.log(line)

async function bench(database: BenchDatabase, options: Options): Promise<void> {
  const since = performance.now()
  say(`Seeding ${1_000 * options.scale} projects`)
  const seed = await makeSeed(database, options)
  const asked = options.profile ? ['ours'] : options.servers
  const chosen = contestants.filter(({ name }) => asked.includes(name))
  const run: Bench = { seed, client: database.client, options, contestants: chosen, say, since }
  if (options.profile) await reportProfile(run, options.profile)
  else await compare(run)
  const seconds = Math.round((performance.now() - since) / 1_000)
  say(`\nIt took ${Math.floor(seconds / 60)} min ${seconds % 60} s`)
}

async function compare(run: Bench): Promise<void> {
  for (const contestant of run.contestants) await contestant.prepare?.(run.seed)
  const sql = run.options.workloads.includes('W2') ? await sqlOfProjects(run) : {}
  await report(run, { ...(await runRounds(run)), sql })
}

/** Whatever ends the run from outside of its own course: a signal, or what nobody has waited for. */
const failure = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => reject(new Error(`Ended by ${signal}`)))
  }
  process.on('uncaughtException', reject).on('unhandledRejection', reject)
})

/** How long the end may take, where the database no longer answers. */
const END_LIMIT_MS = 15_000

const tell = (error: unknown) => console.error(error instanceof Error ? error.message : error)

async function main(options: Options): Promise<void> {
  stepAside()
  const database = await makeDatabase(options.databaseUrl)
  try {
    await Promise.race([bench(database, options), failure])
  } catch (error) {
    tell(error)
    process.exitCode = 1
  } finally {
    endChildren()
    if (options.keepDatabase) say(`The database ${database.name} is kept`)
    else await Promise.race([database.drop(), sleep(END_LIMIT_MS).then(() => tell(`${database.name} is left behind`))])
  }
}

try {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options) await main(options)
  else say(usage)
} catch (error) {
  tell(error)
  process.exitCode = 1
}
// A socket or a child that a failure has left open must not keep the program.
process.exit()
