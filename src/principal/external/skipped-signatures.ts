import type { Logger } from 'pino'

const INTERVAL_MS = 60_000

/** Says that signatures are not looked at: whoever reads the log cannot miss it. */
export interface SkippedSignatures {
  /** A token was taken at its word; told once a minute at most. */
  note(issuer: string): void
}

/** `JWT_SKIP_VALIDATION`, which the settings allow on a machine of one's own alone. @param clock milliseconds since 1970 */
export function skipSignatures(log: Logger, clock: () => number): SkippedSignatures {
  log.warn('JWT_SKIP_VALIDATION is on: whoever reaches this server can be any user of a trusted issuer')
  let toldAt = -Infinity
  return {
    note(issuer) {
      if (clock() - toldAt < INTERVAL_MS) return
      toldAt = clock()
      log.warn({ issuer }, 'JWT_SKIP_VALIDATION is on: the signature of a token was not checked')
    },
  }
}
