import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Running } from '../given-process.ts'
import { givenGateway, givenProject, type Person } from '../harness.ts'
import { at } from '../session/given-sessions.ts'
import type { Target, Told } from './attackers.ts'
import { givenInstance, givenPeople } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { isServed, startLoad, type Seen } from './load.ts'

const ROUNDS = 7
const PERIOD_MS = 2_000
/** Others wait no longer than so many times as long as in quiet periods. */
const MOST_RATIO = 3
/** A timer and a turn of a busy machine: less than that is not told apart. */
const LEAST_MS = 10

let cluster: Cluster
let instance: Running
let people: Person[]
let project: string

beforeAll(async () => {
  cluster = await givenCluster()
  instance = await givenInstance(cluster.port, { REQUEST_TIMEOUT_MS: '1000' })
  people = await givenPeople(instance, 3)
  const [first] = people as [Person]
  project = await givenProject(at(instance.url), first)
  await givenGateway(at(instance.url), first, project)
}, 60_000)
afterAll(async () => {
  await instance?.stop()
  await cluster?.remove()
})

const p99 = (seen: readonly Seen[]): number => {
  const waited = seen.map(({ startedAt, endedAt }) => endedAt - startedAt).sort((a, b) => a - b)
  return waited[Math.floor(waited.length * 0.99)] ?? 0
}
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

/** The requests that were begun while a period lasted. */
async function during(seen: readonly Seen[], period: () => Promise<void>): Promise<Seen[]> {
  const start = performance.now()
  await period()
  const end = performance.now()
  // Those that are still in flight belong to it too.
  await sleep(200)
  return seen.filter(({ startedAt }) => startedAt >= start && startedAt < end)
}

/** What each round was told, together. */
function sumOf(all: readonly Told[]): Told {
  const sum: Told = new Map()
  for (const told of all) for (const [what, times] of told) sum.set(what, (sum.get(what) ?? 0) + times)
  return sum
}

function expectRefusals(told: Told): void {
  const allowed = [
    /^documents 400 (OPERATION_TOO_LARGE|GRAPHQL_(PARSE|VALIDATION)_FAILED)$/,
    /^large (413 OPERATION_TOO_LARGE|no answer)$/,
    /^slow 408$/,
  ]
  expect([...told.keys()].filter((what) => !allowed.some((pattern) => pattern.test(what)))).toEqual([])
  const sent = ['documents 400 OPERATION_TOO_LARGE', 'documents 400 GRAPHQL_VALIDATION_FAILED', 'slow 408']
  expect([...told.keys()]).toEqual(expect.arrayContaining([...sent, 'large 413 OPERATION_TOO_LARGE']))
}

test('hostile requests are refused, the process stays up, and the others wait at most three times as long', async () => {
  const [attacker, ...others] = people as [Person, ...Person[]]
  const circle: Target['circle'] = {
    root: `project(id: "${project}")`,
    type: 'Project',
    round: ['gateways', 'nodes', 'project'],
    list: 'projects',
  }
  const target: Target = { url: instance.url, token: attacker.token, circle }
  const load = startLoad(instance.url, others)
  const [quiet, hostile]: [number[], number[]] = [[], []]
  const told: Told[] = []
  await load.untilCalm(1_000)
  for (let round = 0; round < ROUNDS; round += 1) {
    quiet.push(p99(await during(load.seen, () => sleep(PERIOD_MS))))
    const attackers = new Worker(new URL('./attackers.ts', import.meta.url), { workerData: target })
    await once(attackers, 'online')
    hostile.push(p99(await during(load.seen, () => sleep(PERIOD_MS))))
    attackers.postMessage('stop')
    const [answers] = (await once(attackers, 'message')) as [Told]
    told.push(answers)
    await attackers.terminate()
  }
  await load.stop()
  expectRefusals(sumOf(told))
  expect(load.seen.filter((one) => !isServed(one))).toEqual([])
  const [quietMs, hostileMs] = [median(quiet), median(hostile)]
  console.log(`p99 ${quietMs.toFixed(1)} ms in quiet periods, ${hostileMs.toFixed(1)} ms in hostile ones`)
  expect(hostileMs).toBeLessThan(Math.max(quietMs, LEAST_MS) * MOST_RATIO)
  expect((await fetch(`${instance.url}/health/ready`)).status).toBe(200)
  expect(await instance.stop()).toMatchObject({ code: 0, stderr: '' })
})
