import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { loadConfig } from '../../src/config.ts'
import { compare, hash } from '../../src/principal/password-worker.ts'

/** What passwords cost. */
export interface HashCost {
  /** Comparisons of all cores in a second while each makes one after the other: cores that share their parts are slower together. */
  perSecond: number
}

/** The first of a thread is not compiled yet. */
const TIMES = 4

/** @returns comparisons a second */
function compareAlone(): number {
  const { cost } = loadConfig().passwords
  const input = 'what stands for a password'
  const bcryptHash = hash({ input, cost })
  let since = 0
  for (let time = 0; time < TIMES; time += 1) {
    if (time === 1) since = performance.now()
    if (!compare({ input, cost, bcryptHash })) throw new Error('The hash is one of another password')
  }
  return (1_000 * (TIMES - 1)) / (performance.now() - since)
}

function fromThread(): Promise<number> {
  return new Promise((resolve, reject) => {
    new Worker(fileURLToPath(import.meta.url)).once('message', resolve).once('error', reject)
  })
}

if (isMainThread) {
  const taken = await Promise.all(Array.from({ length: availableParallelism() }, fromThread))
  console.log(JSON.stringify({ perSecond: taken.reduce((sum, one) => sum + one, 0) } satisfies HashCost))
} else parentPort?.postMessage(compareAlone())
