import { contestants } from './contestants.ts'
import { makeDatabase } from './database.ts'
import { readOptions, usage, type Options } from './options.ts'
import { stepAside } from './processes.ts'
import { report } from './report.ts'
import { runRounds, type Bench } from './rounds.ts'
import { makeSeed } from './seed.ts'
import { sqlOfProjects } from './sql-of-projects.ts'

const say = (line: string) => console.log(line)

async function bench(options: Options): Promise<void> {
  stepAside()
  const database = await makeDatabase(options.databaseUrl)
  try {
    say(`Seeding ${1_000 * options.scale} projects`)
    const seed = await makeSeed(database, options)
    const chosen = contestants.filter(({ name }) => options.servers.includes(name))
    for (const contestant of chosen) await contestant.prepare?.(seed)
    const run: Bench = { seed, client: database.client, options, contestants: chosen, say }
    const sql = options.workloads.includes('W2') ? await sqlOfProjects(run) : {}
    const { samples, visits } = await runRounds(run)
    await report(run, { samples, visits, sql })
  } finally {
    if (!options.keepDatabase) await database.drop()
  }
}

try {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options) await bench(options)
  else say(usage)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
