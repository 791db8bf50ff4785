import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { threadCpuUsage } from 'node:process'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { loadConfig } from '../../src/config.ts'
import { compare, hash } from '../../src/principal/password-worker.ts'
import { median } from '../statistics.ts'

/** What a password costs. */
export interface HashCost {
  /** CPU time of one comparison while every core makes one, in milliseconds: cores that share their parts are slower together. */
  cpuMs: number
}

/** The first of a thread is not compiled yet. */
const TIMES = 4

function compareAlone(): number[] {
  const { cost } = loadConfig().passwords
  const input = 'what stands for a password'
  const bcryptHash = hash({ input, cost })
  return Array.from({ length: TIMES }, () => {
    const before = threadCpuUsage()
    if (!compare({ input, cost, bcryptHash })) throw new Error('The hash is one of another password')
    const { user, system } = threadCpuUsage(before)
    return (user + system) / 1_000
  }).slice(1)
}

function fromThread(): Promise<number[]> {
  return new Promise((resolve, reject) => {
    new Worker(fileURLToPath(import.meta.url)).once('message', resolve).once('error', reject)
  })
}

if (isMainThread) {
  const taken = await Promise.all(Array.from({ length: availableParallelism() }, fromThread))
  console.log(JSON.stringify({ cpuMs: median(taken.flat()) ?? 0 } satisfies HashCost))
} else parentPort?.postMessage(compareAlone())
