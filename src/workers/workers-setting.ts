import { availableParallelism } from 'node:os'
import { z } from 'zod'

const MOST_WORKERS = 256

/** WORKERS, as it is written. */
export const workersSetting = z
  .string()
  .default('1')
  .refine(
    (text) => text === 'auto' || (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MOST_WORKERS),
    `must be auto, or a whole number from 1 to ${MOST_WORKERS}`,
  )

/** How many processes serve. `auto`: one a core, but one alone where the database is the embedded one, which one process can open. */
export function workersOf(setting: string, databaseUrl: string | undefined): number {
  if (setting !== 'auto') return Number(setting)
  return databaseUrl ? Math.min(availableParallelism(), MOST_WORKERS) : 1
}
