import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { secretMistakes } from './secret-settings.ts'
import { flag, hasReadableLogin, hostList, list, unreadableLogin, whole } from './setting-kinds.ts'
import { tokenSettings } from './token-settings.ts'
import { isLoopback, issuerMistakes, placeOf, trustedIssuersSetting } from './principal/external/issuer-settings.ts'
import { watchingMistakes, watchingOf, watchingSettings } from './watching/watching-settings.ts'
import { workersOf, workersSetting } from './workers/workers-setting.ts'

/** What the database lets nobody remove: see the policies of `audit_events`. */
const LEAST_RETENTION_DAYS = 30

/**
 * A key set is cached for 300 s by whoever verifies, an instance that has missed a notification reads the keys again within
 * 60 s, and clocks differ by as much: with all of that, nobody meets a token whose key they could not know.
 */
const LEAST_PUBLISH_SECONDS = 420

/** Every setting, with its default and bounds. The README's table and `.env.example` are checked against it. */
const settings = z.object({
  NODE_ENV: z.enum(['production', 'development', 'test']).default('development'),
  HOST: z.string().min(1).optional(),
  PORT: whole(4000, 0, 65_535),
  WORKERS: workersSetting,
  DATA_DIR: z.string().min(1).default('.data'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  MIGRATION_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  MIGRATE_ON_START: flag(true),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).optional(),
  DATABASE_STATEMENT_TIMEOUT_MS: whole(8_000, 100, 600_000),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .refine(hasReadableLogin, unreadableLogin)
    .optional(),
  REDIS_KEY_PREFIX: z.string().max(64).default('tenantry:'),
  JWT_SECRET: z.string().optional(),
  JWT_PRIVATE_KEY: z.string().optional(),
  JWT_PRIVATE_KEY_FILE: z.string().optional(),
  JWT_VERIFICATION_KEY_FILES: list,
  JWT_RSA_ALGORITHM: z.enum(['RS256', 'PS256']).default('RS256'),
  SIGNING_KEYS_ENCRYPTION_KEY: z.string().min(32).optional(),
  SIGNING_KEY_ALGORITHM: z.enum(['RS256', 'ES256']).default('RS256'),
  SIGNING_KEY_PUBLISH_SECONDS: whole(600, LEAST_PUBLISH_SECONDS, 30 * 86_400),
  JWT_ISSUER: z.string().min(1).default('http://127.0.0.1:4000'),
  JWT_AUDIENCE: z.string().min(1).default('tenantry'),
  TRUSTED_ISSUERS: trustedIssuersSetting,
  ISSUER_PRIVATE_HOSTS: hostList,
  JWT_SKIP_VALIDATION: flag(false),
  ACCESS_TOKEN_TTL_SECONDS: whole(1_800, 5, 86_400),
  REFRESH_IDLE_TTL_SECONDS: whole(7 * 86_400, 1, 365 * 86_400),
  REFRESH_ABSOLUTE_TTL_SECONDS: whole(30 * 86_400, 1, 365 * 86_400),
  REFRESH_GRACE_SECONDS: whole(10, 0, 300),
  OAUTH_PASSWORD_GRANT: flag(false),
  PASSWORD_PEPPER: z.string().min(32).optional(),
  PASSWORD_MIN_LENGTH: whole(8, 8, 128),
  PASSWORD_REQUIRE_LETTER_AND_DIGIT: flag(true),
  PASSWORD_HASH_COST: whole(12, 4, 16),
  PASSWORD_HASH_THREADS: whole(2, 1, 64),
  PASSWORD_HASH_QUEUE: z.coerce.number().int().min(1).max(10_000).optional(),
  SIGN_IN_FREE_FAILURES: whole(10, 1, 99),
  SIGN_IN_FREE_FAILURES_PER_ADDRESS: whole(100, 1, 10_000),
  MAX_SESSIONS_PER_USER: whole(100, 1, 10_000),
  MAX_ORGANIZATIONS_PER_USER: whole(200, 1, 10_000),
  API_KEY_HASH_KEY: z.string().min(32).optional(),
  API_KEY_MAX_TTL_DAYS: whole(365, 1, 3_650),
  RATE_LIMIT_STORE: z.enum(['shared', 'memory']).default('shared'),
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: whole(120, 1, 1_000_000),
  RATE_LIMIT_USER_PER_MINUTE: whole(600, 1, 1_000_000),
  RATE_LIMIT_ISSUER_PER_MINUTE: whole(6_000, 1, 1_000_000),
  RATE_LIMIT_API_KEY_PER_MINUTE: whole(600, 1, 1_000_000),
  RATE_LIMIT_API_KEY_MAX_PER_MINUTE: whole(6_000, 1, 1_000_000),
  RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE: whole(10, 1, 1_000_000),
  RATE_LIMIT_SIGN_IN_PER_ADDRESS_PER_MINUTE: whole(60, 1, 1_000_000),
  AUDIT_RETENTION_DAYS: whole(0, 0, 36_500),
  WEBHOOK_URL: z
    .url({ protocol: /^https?$/ })
    .refine(hasReadableLogin, unreadableLogin)
    .optional(),
  WEBHOOK_SECRET: z.string().min(32).optional(),
  CORS_ORIGINS: list,
  TRUST_PROXY_HOPS: whole(0, 0, 10),
  BODY_LIMIT_BYTES: whole(100_000, 1_000, 10_000_000),
  REQUEST_TIMEOUT_MS: whole(30_000, 1_000, 600_000),
  MAX_TOKENS: whole(1_000, 10, 100_000),
  MAX_DEPTH: whole(12, 1, 100),
  MAX_ALIASES: whole(15, 0, 1_000),
  MAX_ROOT_FIELDS: whole(10, 1, 1_000),
  MAX_DIRECTIVES: whole(50, 0, 1_000),
  MAX_COST: whole(5_000, 10, 10_000_000),
  EXECUTION_TIMEOUT_MS: whole(10_000, 100, 600_000),
  MAX_IN_FLIGHT: whole(1_000, 1, 100_000),
  MAX_EVENT_LOOP_DELAY_MS: whole(1_000, 50, 600_000),
  DRAIN_GRACE_MS: whole(10_000, 0, 600_000),
  AUTHORIZATION_MODE: z.enum(['partial', 'reject']).default('partial'),
  TRUSTED_DOCUMENTS: z.enum(['off', 'allow', 'require']).default('off'),
  AUTOMATIC_PERSISTED_QUERIES: flag(false),
  INTROSPECTION: z.enum(['true', 'false']).optional(),
  GRAPHIQL: z.enum(['true', 'false']).optional(),
  ...watchingSettings,
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** A list is empty by default, and so is what there is none of. */
const asWritten = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

/** Every setting's default as it would be written, empty where there is none, in the order of their definition. */
export const settingDefaults: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(settings.shape).map(([name, setting]) => [name, asWritten(setting.parse(undefined))]),
)

/** The names of all settings, in the order of their definition. */
export const settingNames: readonly string[] = Object.keys(settingDefaults)

/** What the server runs with: made once by {@link loadConfig}, frozen. Names carry their units. */
export type Config = Readonly<ReturnType<typeof fromSettings>>

/**
 * Reads the settings from `environment` over those of the file `.env` in the working directory.
 * The only reader of the environment.
 * @throws Error naming every mistake at once.
 */
export function loadConfig(environment: Record<string, string | undefined> = process.env, envFile = '.env'): Config {
  const fromFile = existsSync(envFile) ? parseEnv(readFileSync(envFile, 'utf8')) : {}
  const given = Object.entries({ ...fromFile, ...environment }).filter(
    ([, value]) => value !== undefined && value !== '',
  )
  const { values, mistakes } = parse(Object.fromEntries(given))
  if (mistakes.length > 0) {
    throw new Error(`The configuration is not usable:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`)
  }
  return Object.freeze(fromSettings(values))
}

type Settings = z.infer<typeof settings>

/** Reads setting by setting: one that is malformed must not keep what contradicts another from being told. */
function parse(given: Record<string, string | undefined>): { values: Settings; mistakes: string[] } {
  const read = Object.entries(settings.shape).map(([name, setting]) => ({
    name,
    result: setting.safeParse(given[name]),
  }))
  const values = Object.fromEntries(read.map(({ name, result }) => [name, result.data])) as Settings
  const malformed = new Map(read.map(({ name, result }) => [name, result.error?.issues ?? []]))
  const mistakes = [...malformed].flatMap(([name, issues]) =>
    issues.map(({ path, message }) => `${placeOf(name, path)}: ${message}`),
  )
  const others = contradictions(values).filter((mistake) => !malformed.get(mistake.split(':')[0] ?? '')?.length)
  return { values, mistakes: [...mistakes, ...others] }
}

function contradictions(given: Settings): string[] {
  const production = given.NODE_ENV === 'production'
  return [
    production && !given.DATABASE_URL && 'DATABASE_URL: required in production',
    !given.DATABASE_URL &&
      Number(given.WORKERS) > 1 &&
      'WORKERS: more than 1 needs DATABASE_URL, since one process at a time can open the embedded database',
    ...secretMistakes(given, production),
    ...watchingMistakes(given),
    production && given.PASSWORD_HASH_COST < 12 && 'PASSWORD_HASH_COST: at least 12 in production',
    given.DATABASE_STATEMENT_TIMEOUT_MS >= given.EXECUTION_TIMEOUT_MS &&
      'DATABASE_STATEMENT_TIMEOUT_MS: must be below EXECUTION_TIMEOUT_MS',
    given.AUDIT_RETENTION_DAYS > 0 &&
      given.AUDIT_RETENTION_DAYS < LEAST_RETENTION_DAYS &&
      `AUDIT_RETENTION_DAYS: 0, or at least ${LEAST_RETENTION_DAYS}`,
    given.WEBHOOK_URL && !given.WEBHOOK_SECRET && 'WEBHOOK_SECRET: required with WEBHOOK_URL',
    production && given.WEBHOOK_URL?.startsWith('http:') && 'WEBHOOK_URL: must be https in production',
    ...issuerMistakes(given.TRUSTED_ISSUERS, { production, ownIssuer: given.JWT_ISSUER }),
    given.JWT_SKIP_VALIDATION && production && 'JWT_SKIP_VALIDATION: never in production',
    given.JWT_SKIP_VALIDATION &&
      !isLoopback(given.HOST ?? '127.0.0.1') &&
      'JWT_SKIP_VALIDATION: only where HOST is a loopback address, such as 127.0.0.1',
    given.TRUSTED_DOCUMENTS === 'require' &&
      given.AUTOMATIC_PERSISTED_QUERIES &&
      'AUTOMATIC_PERSISTED_QUERIES: false where TRUSTED_DOCUMENTS is require, which lets no client add a document',
    given.CORS_ORIGINS.includes('*') && "CORS_ORIGINS: '*' is not accepted, name the origins",
  ].filter((mistake) => typeof mistake === 'string')
}

function limitsOf(given: Settings) {
  return {
    maxTokens: given.MAX_TOKENS,
    maxDepth: given.MAX_DEPTH,
    maxAliases: given.MAX_ALIASES,
    maxRootFields: given.MAX_ROOT_FIELDS,
    maxDirectives: given.MAX_DIRECTIVES,
    maxCost: given.MAX_COST,
    pageSizeDefault: 50,
    pageSizeMax: 100,
    timeoutMs: given.EXECUTION_TIMEOUT_MS,
  }
}

function passwordsOf(given: Settings) {
  return {
    pepper: given.PASSWORD_PEPPER ?? null,
    minLength: given.PASSWORD_MIN_LENGTH,
    requireLetterAndDigit: given.PASSWORD_REQUIRE_LETTER_AND_DIGIT,
    cost: given.PASSWORD_HASH_COST,
    threads: given.PASSWORD_HASH_THREADS,
    // At a third of a second each, the last of them waits for half of EXECUTION_TIMEOUT_MS.
    maxQueue: given.PASSWORD_HASH_QUEUE ?? 16 * given.PASSWORD_HASH_THREADS,
    freeFailures: given.SIGN_IN_FREE_FAILURES,
    freeFailuresPerAddress: given.SIGN_IN_FREE_FAILURES_PER_ADDRESS,
  }
}

function rateLimitsOf(given: Settings) {
  return {
    redis: given.REDIS_URL ? { url: given.REDIS_URL, keyPrefix: given.REDIS_KEY_PREFIX } : null,
    inMemory: given.RATE_LIMIT_STORE === 'memory',
    anonymous: given.RATE_LIMIT_ANONYMOUS_PER_MINUTE,
    user: given.RATE_LIMIT_USER_PER_MINUTE,
    issuer: given.RATE_LIMIT_ISSUER_PER_MINUTE,
    apiKey: given.RATE_LIMIT_API_KEY_PER_MINUTE,
    apiKeyMax: given.RATE_LIMIT_API_KEY_MAX_PER_MINUTE,
    signInPerAccount: given.RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE,
    signInPerAddress: given.RATE_LIMIT_SIGN_IN_PER_ADDRESS_PER_MINUTE,
  }
}

function fromSettings(given: Settings) {
  const production = given.NODE_ENV === 'production'
  return {
    production,
    /** How many processes serve; from 2 on they are forked by one that does not. */
    workers: workersOf(given.WORKERS, given.DATABASE_URL),
    http: {
      production,
      host: given.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
      port: given.PORT,
      corsOrigins: given.CORS_ORIGINS,
      bodyLimitBytes: given.BODY_LIMIT_BYTES,
      requestTimeoutMs: given.REQUEST_TIMEOUT_MS,
      trustProxyHops: given.TRUST_PROXY_HOPS,
      introspection: given.INTROSPECTION ? given.INTROSPECTION === 'true' : !production,
      graphiql: given.GRAPHIQL ? given.GRAPHIQL === 'true' : !production,
      sandbox: !production,
      drainGraceMs: given.DRAIN_GRACE_MS,
      trustedDocuments: given.TRUSTED_DOCUMENTS,
      automaticPersistedQueries: given.AUTOMATIC_PERSISTED_QUERIES,
      limits: limitsOf(given),
      pressure: { maxInFlight: given.MAX_IN_FLIGHT, maxEventLoopDelayMs: given.MAX_EVENT_LOOP_DELAY_MS },
    },
    ...watchingOf(given),
    logLevel: given.LOG_LEVEL,
    authorizationMode: given.AUTHORIZATION_MODE,
    dataDir: resolve(given.DATA_DIR),
    database: {
      url: given.DATABASE_URL ?? null,
      migrationUrl: given.MIGRATION_DATABASE_URL ?? given.DATABASE_URL ?? null,
      migrateOnStart: given.MIGRATE_ON_START,
      /** Of each worker; null: what the server's limits allow, see src/database/pool-size.ts. */
      poolSize: given.DATABASE_POOL_SIZE ?? null,
      statementTimeoutMs: given.DATABASE_STATEMENT_TIMEOUT_MS,
    },
    tokens: tokenSettings(given),
    oauth: { passwordGrant: given.OAUTH_PASSWORD_GRANT },
    external: {
      issuers: given.TRUSTED_ISSUERS,
      privateHosts: given.ISSUER_PRIVATE_HOSTS,
      skipSignatures: given.JWT_SKIP_VALIDATION,
    },
    passwords: passwordsOf(given),
    users: { maxSessions: given.MAX_SESSIONS_PER_USER, maxOrganizations: given.MAX_ORGANIZATIONS_PER_USER },
    apiKeys: {
      hashKey: given.API_KEY_HASH_KEY ?? null,
      maxTtlDays: given.API_KEY_MAX_TTL_DAYS,
    },
    rateLimits: rateLimitsOf(given),
    audit: { retentionDays: given.AUDIT_RETENTION_DAYS || null },
    webhook:
      given.WEBHOOK_URL && given.WEBHOOK_SECRET ? { url: given.WEBHOOK_URL, secret: given.WEBHOOK_SECRET } : null,
  }
}
