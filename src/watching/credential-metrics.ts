import { Counter, type Registry } from 'prom-client'
import { unauthenticatedReasons } from '../errors.ts'
import { outcomeOfError } from './outcomes.ts'
import { plainCounts } from './plain-counts.ts'
import { plainHistogram, type Durations } from './plain-histogram.ts'

/** What became of a key that was presented: known from memory, looked up in the database, or not accepted. */
export type KeyCheck = 'remembered' | 'looked_up' | 'malformed' | 'unknown' | 'ended'
/** What became of an access token of the server's own: known from memory, verified in full, or not accepted. */
export type TokenCheck = 'remembered' | 'verified' | 'refused'

/** What is measured of credentials. No label is, or is made of, a credential. */
export interface CredentialMetrics {
  /** Makes a token, and measures how long that takes. */
  makeToken<T>(make: () => T): T
  /** Verifies a token in full, with its signature, and measures how long that takes. What is remembered is counted alone. */
  verifyToken<T>(issuer: 'own' | 'external', verify: () => T): T
  tokenChecked(check: TokenCheck): void
  keyChecked(check: KeyCheck): void
  /** Looks a key up in the database, and measures how long that takes. */
  lookUpKey<T>(lookUp: () => Promise<T>): Promise<T>
  /** Signs somebody in, and counts how that ended. */
  signIn<T>(method: 'login' | 'register', work: () => Promise<T>): Promise<T>
  /** Renews a session, and counts how that ended: `REUSED` is a token that came a second time. */
  refresh<T>(work: () => Promise<T>): Promise<T>
  /** Hashes or compares a password, and measures how long that takes with the waiting for a thread. */
  hashPassword<T>(work: () => Promise<T>): Promise<T>
  /** A password was not hashed, since too many others wait. */
  passwordRefused(): void
  /** The keys of a trusted issuer were fetched, or were not. */
  issuerKeysFetched(outcome: 'ok' | 'failed' | 'not_allowed'): void
}

/** Of what takes microseconds when nothing is in its way. */
const FAST_SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
const SLOW_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Makes the metrics of credentials. */
export function credentialMetrics(registry: Registry): CredentialMetrics {
  const { making, verifying, lookUps, passwords } = durationsOf(registry)
  const { tokens, keys, signIns, refreshes, refused, fetches } = countersOf(registry)
  // A series that begins with its first failure shows no increase: these are there from the start.
  for (const outcome of ['ok', 'RATE_LIMITED', ...unauthenticatedReasons]) refreshes.inc({ outcome }, 0)
  for (const outcome of ['ok', 'RATE_LIMITED', 'INVALID_CREDENTIALS']) signIns.inc({ method: 'login', outcome }, 0)
  for (const outcome of ['ok', 'failed', 'not_allowed']) fetches.inc({ outcome }, 0)

  async function counting<T>(count: (outcome: string) => void, work: () => Promise<T>): Promise<T> {
    try {
      const done = await work()
      count('ok')
      return done
    } catch (error) {
      count(outcomeOfError(error))
      throw error
    }
  }
  return {
    makeToken: (make) => timed(making, make),
    verifyToken: (issuer, verify) => timed(verifying[issuer], verify),
    tokenChecked: (check) => void (tokens[check].value += 1),
    keyChecked: (check) => void (keys[check].value += 1),
    lookUpKey: (lookUp) => timedAsync(lookUps, lookUp),
    signIn: (method, work) => counting((outcome) => signIns.inc({ method, outcome }), work),
    refresh: (work) => counting((outcome) => refreshes.inc({ outcome }), work),
    hashPassword: (work) => timedAsync(passwords, work),
    passwordRefused: () => refused.inc(),
    issuerKeysFetched: (outcome) => fetches.inc({ outcome }),
  }
}

const secondsSince = (startedMs: number) => (performance.now() - startedMs) / 1_000

function timed<T>(durations: Durations, work: () => T): T {
  const started = performance.now()
  try {
    return work()
  } finally {
    durations.observe(secondsSince(started))
  }
}

async function timedAsync<T>(durations: Durations, work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    return await work()
  } finally {
    durations.observe(secondsSince(started))
  }
}

function durationsOf(registry: Registry) {
  const durations = (name: string, help: string, bounds: readonly number[], labels: readonly string[] = []) =>
    plainHistogram(registry, { name: `tenantry_${name}_duration_seconds`, help, labels }, bounds)
  const making = durations('token_making', 'Making and signing an access token.', FAST_SECONDS)
  const verifying = durations(
    'token_check',
    'Verifying an access token in full, with its signature; tokens that are remembered are not among them.',
    FAST_SECONDS,
    ['issuer'],
  )
  const lookUps = durations(
    'key_lookup',
    'Looking an API key up in the database; keys that are remembered are not among them.',
    SLOW_SECONDS,
  )
  const passwords = durations(
    'password_hash',
    'Hashing or comparing a password, with the waiting for a thread.',
    SLOW_SECONDS,
  )
  return {
    making: making(),
    verifying: { own: verifying('own'), external: verifying('external') },
    lookUps: lookUps(),
    passwords: passwords(),
  }
}

function countersOf(registry: Registry) {
  const registers = [registry]
  const tokens = plainCounts(registry, {
    name: 'tenantry_token_checks_total',
    help: "Access tokens of the server's own that were presented.",
    labels: ['outcome'],
  })
  const keys = plainCounts(registry, {
    name: 'tenantry_key_checks_total',
    help: 'API keys that were presented.',
    labels: ['outcome'],
  })
  const keyCheck = (check: KeyCheck) => keys(check)
  return {
    tokens: { remembered: tokens('remembered'), verified: tokens('verified'), refused: tokens('refused') },
    keys: {
      remembered: keyCheck('remembered'),
      looked_up: keyCheck('looked_up'),
      malformed: keyCheck('malformed'),
      unknown: keyCheck('unknown'),
      ended: keyCheck('ended'),
    },
    signIns: new Counter({
      name: 'tenantry_sign_ins_total',
      help: 'Attempts to sign in with a password or to register.',
      ...{ labelNames: ['method', 'outcome'], registers },
    }),
    refreshes: new Counter({
      name: 'tenantry_refreshes_total',
      help: 'Attempts to renew a session; REUSED: by a refresh token that had been used before.',
      ...{ labelNames: ['outcome'], registers },
    }),
    refused: new Counter({
      name: 'tenantry_password_hash_refused_total',
      help: 'Passwords that were not looked at, since too many others waited.',
      registers,
    }),
    fetches: new Counter({
      name: 'tenantry_issuer_key_fetches_total',
      help: 'Fetches of the keys of trusted issuers.',
      ...{ labelNames: ['outcome'], registers },
    }),
  }
}
