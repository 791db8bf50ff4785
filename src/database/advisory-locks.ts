/**
 * The advisory locks of PostgreSQL that are taken: whoever takes one waits for whoever holds it, or leaves them alone. The numbers
 * are arbitrary, ours alone, and each another one. They do not change: instances of two releases may run side by side.
 */
export const advisoryLocks = {
  /** One instance migrates while the others wait. */
  migrations: 7_265_110_382,
  /** Operators make their changes one at a time. */
  operators: 7_265_110_383,
  /** One instance removes what is old. */
  removal: 7_265_110_384,
  /** One instance tells of keys that end soon. */
  notices: 7_265_110_385,
  /** One changes the signing keys while the others wait. */
  signingKeys: 7_265_110_391,
  /** One changes the trusted documents while the others wait. */
  trustedDocuments: 7_265_110_396,
} as const
