import type { Seed } from './seed.ts'
import { betterAuth } from './servers/better-auth.contestant.ts'
import { mercurius } from './servers/mercurius.contestant.ts'
import { obvious } from './servers/obvious.contestant.ts'
import { ours, oursOnTwo } from './servers/ours.contestant.ts'
import { postgraphile } from './servers/postgraphile.contestant.ts'
import { raw } from './servers/raw.contestant.ts'
import type { Call, CaseId } from './workloads.ts'

/** A server that takes part. */
export interface Contestant {
  readonly name: string
  readonly title: string
  /** The program, for Node. */
  readonly program: URL
  /** Its settings, over those that every program needs. */
  settings(seed: Seed): Record<string, string>
  /** Run once, before the first round: what it must find in the database. */
  prepare?(seed: Seed): Promise<void>
  /** What it is asked in a case; none where the case is nothing that it does. */
  calls(id: CaseId, seed: Seed, url: string): Promise<readonly Call[]>
}

/** All of them, in the order of the tables. */
export const contestants: readonly Contestant[] = [ours, oursOnTwo, raw, mercurius, obvious, postgraphile, betterAuth]
