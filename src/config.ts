import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { isExample } from './principal/example-secret.ts'

const flag = (byDefault: boolean) =>
  z
    .enum(['true', 'false'])
    .default(byDefault ? 'true' : 'false')
    .transform((text) => text === 'true')
const whole = (byDefault: number, least: number, most: number) =>
  z.coerce.number().int().min(least).max(most).default(byDefault)
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
  )

/** Every setting, with its default and bounds. The README's table and `.env.example` are checked against it. */
const settings = z.object({
  NODE_ENV: z.enum(['production', 'development', 'test']).default('development'),
  HOST: z.string().min(1).optional(),
  PORT: whole(4000, 0, 65_535),
  DATA_DIR: z.string().min(1).default('.data'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  MIGRATION_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  MIGRATE_ON_START: flag(true),
  DATABASE_POOL_SIZE: whole(10, 1, 200),
  DATABASE_STATEMENT_TIMEOUT_MS: whole(8_000, 100, 600_000),
  JWT_SECRET: z.string().optional(),
  JWT_PRIVATE_KEY: z.string().optional(),
  JWT_PRIVATE_KEY_FILE: z.string().optional(),
  JWT_VERIFICATION_KEY_FILES: list,
  JWT_RSA_ALGORITHM: z.enum(['RS256', 'PS256']).default('RS256'),
  JWT_ISSUER: z.string().min(1).default('tenantry'),
  JWT_AUDIENCE: z.string().min(1).default('tenantry'),
  ACCESS_TOKEN_TTL_SECONDS: whole(1_800, 5, 86_400),
  REFRESH_IDLE_TTL_SECONDS: whole(7 * 86_400, 1, 365 * 86_400),
  REFRESH_ABSOLUTE_TTL_SECONDS: whole(30 * 86_400, 1, 365 * 86_400),
  REFRESH_GRACE_SECONDS: whole(10, 0, 300),
  PASSWORD_PEPPER: z.string().min(32).optional(),
  PASSWORD_MIN_LENGTH: whole(8, 8, 128),
  PASSWORD_REQUIRE_LETTER_AND_DIGIT: flag(true),
  PASSWORD_HASH_COST: whole(12, 4, 16),
  PASSWORD_HASH_THREADS: whole(2, 1, 64),
  PASSWORD_HASH_QUEUE: whole(64, 1, 10_000),
  SIGN_IN_FREE_FAILURES: whole(10, 1, 99),
  SIGN_IN_FREE_FAILURES_PER_ADDRESS: whole(100, 1, 10_000),
  API_KEY_HASH_KEY: z.string().min(32).optional(),
  API_KEY_MAX_TTL_DAYS: whole(365, 1, 3_650),
  CORS_ORIGINS: list,
  TRUST_PROXY_HOPS: whole(0, 0, 10),
  BODY_LIMIT_BYTES: whole(100_000, 1_000, 10_000_000),
  MAX_TOKENS: whole(1_000, 10, 100_000),
  MAX_DEPTH: whole(12, 1, 100),
  MAX_ALIASES: whole(15, 0, 1_000),
  MAX_ROOT_FIELDS: whole(10, 1, 1_000),
  MAX_COST: whole(5_000, 10, 10_000_000),
  EXECUTION_TIMEOUT_MS: whole(10_000, 100, 600_000),
  DRAIN_GRACE_MS: whole(10_000, 0, 600_000),
  AUTHORIZATION_MODE: z.enum(['partial', 'reject']).default('partial'),
  INTROSPECTION: z.enum(['true', 'false']).optional(),
  GRAPHIQL: z.enum(['true', 'false']).optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** Every setting's default as it would be written, empty where there is none, in the order of their definition. */
export const settingDefaults: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(settings.shape).map(([name, setting]) => [name, String(setting.parse(undefined) ?? '')]),
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
  const mistakes = [...malformed].flatMap(([name, issues]) => issues.map(({ message }) => `${name}: ${message}`))
  const others = contradictions(values).filter((mistake) => !malformed.get(mistake.split(':')[0] ?? '')?.length)
  return { values, mistakes: [...mistakes, ...others] }
}

function contradictions(given: Settings): string[] {
  const production = given.NODE_ENV === 'production'
  const hasKey = given.JWT_SECRET ?? given.JWT_PRIVATE_KEY ?? given.JWT_PRIVATE_KEY_FILE
  return [
    production && !given.DATABASE_URL && 'DATABASE_URL: required in production',
    production && !hasKey && 'JWT_SECRET, JWT_PRIVATE_KEY or JWT_PRIVATE_KEY_FILE: one is required in production',
    production && !given.PASSWORD_PEPPER && 'PASSWORD_PEPPER: required in production',
    production && !given.API_KEY_HASH_KEY && 'API_KEY_HASH_KEY: required in production',
    ...(production ? examplesAmong(given) : []),
    sharesSecrets(given) && 'JWT_SECRET, PASSWORD_PEPPER and API_KEY_HASH_KEY: must differ from each other',
    production && given.PASSWORD_HASH_COST < 12 && 'PASSWORD_HASH_COST: at least 12 in production',
    given.JWT_PRIVATE_KEY && given.JWT_PRIVATE_KEY_FILE && 'JWT_PRIVATE_KEY and JWT_PRIVATE_KEY_FILE: give one',
    given.DATABASE_STATEMENT_TIMEOUT_MS >= given.EXECUTION_TIMEOUT_MS &&
      'DATABASE_STATEMENT_TIMEOUT_MS: must be below EXECUTION_TIMEOUT_MS',
    given.CORS_ORIGINS.includes('*') && "CORS_ORIGINS: '*' is not accepted, name the origins",
  ].filter((mistake) => typeof mistake === 'string')
}

/** One secret for two purposes is lost for both at once. */
function sharesSecrets({ JWT_SECRET, PASSWORD_PEPPER, API_KEY_HASH_KEY }: Settings): boolean {
  const secrets = [JWT_SECRET, PASSWORD_PEPPER, API_KEY_HASH_KEY].filter((secret) => secret !== undefined)
  return new Set(secrets).size < secrets.length
}

/** The secrets that others have read too, in documentation. The one of the tokens is looked at with the other keys. */
function examplesAmong(given: Settings): string[] {
  return (['PASSWORD_PEPPER', 'API_KEY_HASH_KEY'] as const)
    .filter((name) => given[name] !== undefined && isExample(given[name]))
    .map((name) => `${name}: looks like an example; make one with \`openssl rand -hex 32\``)
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`Cannot read the key file ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

function limitsOf(given: Settings) {
  return {
    maxTokens: given.MAX_TOKENS,
    maxDepth: given.MAX_DEPTH,
    maxAliases: given.MAX_ALIASES,
    maxRootFields: given.MAX_ROOT_FIELDS,
    maxCost: given.MAX_COST,
    pageSizeDefault: 50,
    pageSizeMax: 100,
    timeoutMs: given.EXECUTION_TIMEOUT_MS,
  }
}

function fromSettings(given: Settings) {
  const production = given.NODE_ENV === 'production'
  return {
    production,
    http: {
      production,
      host: given.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
      port: given.PORT,
      corsOrigins: given.CORS_ORIGINS,
      bodyLimitBytes: given.BODY_LIMIT_BYTES,
      trustProxyHops: given.TRUST_PROXY_HOPS,
      introspection: given.INTROSPECTION ? given.INTROSPECTION === 'true' : !production,
      graphiql: given.GRAPHIQL ? given.GRAPHIQL === 'true' : !production,
      sandbox: !production,
      drainGraceMs: given.DRAIN_GRACE_MS,
      limits: limitsOf(given),
    },
    logLevel: given.LOG_LEVEL,
    authorizationMode: given.AUTHORIZATION_MODE,
    dataDir: resolve(given.DATA_DIR),
    database: {
      url: given.DATABASE_URL ?? null,
      migrationUrl: given.MIGRATION_DATABASE_URL ?? given.DATABASE_URL ?? null,
      migrateOnStart: given.MIGRATE_ON_START,
      poolSize: given.DATABASE_POOL_SIZE,
      statementTimeoutMs: given.DATABASE_STATEMENT_TIMEOUT_MS,
    },
    tokens: {
      secret: given.JWT_SECRET ?? null,
      signingKeyPem: given.JWT_PRIVATE_KEY ?? (given.JWT_PRIVATE_KEY_FILE ? readPem(given.JWT_PRIVATE_KEY_FILE) : null),
      verificationKeyPems: given.JWT_VERIFICATION_KEY_FILES.map(readPem),
      rsaAlgorithm: given.JWT_RSA_ALGORITHM,
      issuer: given.JWT_ISSUER,
      audience: given.JWT_AUDIENCE,
      accessTtlSeconds: given.ACCESS_TOKEN_TTL_SECONDS,
      refreshIdleTtlSeconds: given.REFRESH_IDLE_TTL_SECONDS,
      refreshAbsoluteTtlSeconds: given.REFRESH_ABSOLUTE_TTL_SECONDS,
      refreshGraceSeconds: given.REFRESH_GRACE_SECONDS,
    },
    passwords: {
      pepper: given.PASSWORD_PEPPER ?? null,
      minLength: given.PASSWORD_MIN_LENGTH,
      requireLetterAndDigit: given.PASSWORD_REQUIRE_LETTER_AND_DIGIT,
      cost: given.PASSWORD_HASH_COST,
      threads: given.PASSWORD_HASH_THREADS,
      maxQueue: given.PASSWORD_HASH_QUEUE,
      freeFailures: given.SIGN_IN_FREE_FAILURES,
      freeFailuresPerAddress: given.SIGN_IN_FREE_FAILURES_PER_ADDRESS,
    },
    apiKeys: {
      hashKey: given.API_KEY_HASH_KEY ?? null,
      maxTtlDays: given.API_KEY_MAX_TTL_DAYS,
    },
  }
}
