import DataLoader from 'dataloader'
import type { Logger } from 'pino'
import type { ScopeRegistry } from './access/scopes.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { openRows, type Rows } from './database/rows.ts'
import type { Deadline } from './deadline.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { AccessTokens } from './principal/access-token.ts'
import type { ApiKeys } from './principal/api-keys.ts'
import type { ExternalIssuers } from './principal/external/external-issuers.ts'
import type { HeldIssuers } from './principal/external/registered-issuers.ts'
import type { PasswordHasher } from './principal/password-hashing.ts'
import type { Principal } from './principal/principal.ts'
import type { Revocations } from './principal/revocations.ts'
import type { RateLimits, TellQuota } from './rate-limits/rate-limits.ts'
import type { Metrics } from './watching/metrics.ts'

/** What lives as long as the server does. */
export interface Services {
  readonly config: Config
  readonly log: Logger
  readonly database: Database
  readonly scopes: ScopeRegistry
  readonly accessTokens: AccessTokens
  readonly passwords: PasswordHasher
  readonly revocations: Revocations
  readonly apiKeys: ApiKeys
  readonly external: ExternalIssuers
  readonly registeredIssuers: HeldIssuers
  readonly jobs: Jobs
  readonly rateLimits: RateLimits
  readonly metrics: Metrics
  readonly clock: () => Date
}

/** What is known of the request itself. */
export interface RequestFacts {
  readonly requestId: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly ipAddress: string
  readonly userAgent: string | null
  /** Told what is left of each limit that the request is counted under. */
  readonly tellQuota?: TellQuota
  /** Passed when the caller has been told that the operation took too long. */
  readonly deadline?: Deadline
}

/** One for each request. */
export interface Context {
  readonly services: Services
  readonly request: RequestFacts
  /** Who the request's credential says is calling; null for an anonymous request. */
  readonly caller: Principal | null
  /** Who the current field is resolved for: the caller or, under AuthPayload, who has just signed in. */
  principal: Principal | null
  /** The one door to rows, as that principal. */
  rows: Rows
  /** This operation's loaders, forgotten whenever rows change. */
  loaders: Map<object, unknown>
}

/** Makes the context of a request; nothing is opened before it is needed. */
export function createContext(services: Services, request: RequestFacts, caller: Principal | null): Context {
  const parts = { services, request, loaders: new Map<object, unknown>() }
  return { ...parts, caller, principal: caller, rows: rowsFor(parts, caller) }
}

function rowsFor(ctx: Pick<Context, 'services' | 'request' | 'loaders'>, principal: Principal | null): Rows {
  const rows = openRows(ctx.services.database, principal?.organizationId ?? null, ctx.request.deadline)
  rows.onChange(() => ctx.loaders.clear())
  return rows
}

/**
 * Goes on as another principal: what is selected under AuthPayload is authorized as who has just signed in, with rows and
 * loaders of its own. Mutations run one after the other, and each starts as the caller again.
 */
export async function continueAs(ctx: Context, principal: Principal | null): Promise<void> {
  if (ctx.principal === principal) return
  await ctx.rows.close()
  ctx.loaders.clear()
  ctx.principal = principal
  ctx.rows = rowsFor(ctx, principal)
}

/** Reads many of something at once: what is asked for while one operation waits becomes one statement. */
export interface RowLoader<Key, Value> {
  /** @returns a value a key, in the keys' order. */
  readMany: (ctx: Context, keys: readonly Key[]) => Promise<readonly Value[]>
  /** What makes two keys the same, where they are objects. */
  cacheKey?: (key: Key) => string
}

/** Reads one through the operation's own loader. */
export function load<Key, Value>(ctx: Context, loader: RowLoader<Key, Value>, key: Key): Promise<Value> {
  let loading = ctx.loaders.get(loader) as DataLoader<Key, Value> | undefined
  if (!loading) {
    // DataLoader's types want a key back; it only compares what it gets.
    const cacheKeyFn = loader.cacheKey as ((key: Key) => Key) | undefined
    loading = new DataLoader<Key, Value>((keys) => loader.readMany(ctx, keys), { ...(cacheKeyFn && { cacheKeyFn }) })
    ctx.loaders.set(loader, loading)
  }
  return loading.load(key)
}
