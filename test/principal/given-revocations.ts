import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { jest } from '@jest/globals'
import type { Database } from '../../src/database/database.ts'
import { inTransaction } from '../../src/database/tenancy.ts'
import { createLogger } from '../../src/http/log.ts'
import type { UserTokenClaims } from '../../src/principal/access-token-claims.ts'
import { Revocation } from '../../src/principal/revocation.entity.ts'
import { startRevocations, type RevocationEntry } from '../../src/principal/revocations.ts'
import { givenClock } from '../session/given-sessions.ts'
import { deaf, givenFailures } from './given-signing-keys.ts'

export const LIFETIME_SECONDS = 60

const writing = { door: 'authentication', organizationId: null, readOnly: false } as const

/** A token of somebody who is a member of the organization. */
export const claimsIn = (organization: string | null = null) =>
  ({
    kind: 'USER',
    jti: randomUUID(),
    sid: randomUUID(),
    sub: randomUUID(),
    userVersion: 1,
    membership: null,
    organization,
  }) as UserTokenClaims

export const anOrganization = (): RevocationEntry => ({
  kind: 'ORGANIZATION',
  subjectId: randomUUID(),
  belowVersion: null,
})

/** An instance that hears only what a test tells it. */
export async function givenInstance(database: Database) {
  const { clock, advance } = givenClock()
  const logged: Record<string, unknown>[] = []
  const channel = givenFailures()
  const write = (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>)
  const revocations = await startRevocations({
    database: deaf(database, channel),
    log: createLogger('info', { write }),
    clock,
    lifetimeSeconds: LIFETIME_SECONDS,
  })
  const within = <T>(work: Parameters<typeof inTransaction<T>>[2]) => inTransaction(database, writing, work)
  return {
    ...{ revocations, logged, channel, advance, hears: channel.listening! },
    writing: within,
    add: (...entries: RevocationEntry[]) => within((em) => revocations.add(em, entries)),
    lift: (entry: RevocationEntry) => within((em) => revocations.lift(em, entry)),
    inTable: (subjectId: string) => within((em) => em.count(Revocation, { subjectId })),
  }
}

/** Real time but for intervals, which a test lets pass. */
export function holdIntervals(): (ms: number) => Promise<unknown> {
  jest.useFakeTimers({
    doNotFake: [
      'nextTick',
      'setImmediate',
      'setTimeout',
      'clearTimeout',
      'queueMicrotask',
      'Date',
      'performance',
      'hrtime',
    ],
  })
  return (ms) => {
    jest.advanceTimersByTime(ms)
    return sleep(200)
  }
}
