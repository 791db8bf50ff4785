import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config.ts'

const NO_FILE = '/dev/null'
const SECRET = 'kq3Yz0pXv8sLw1Rt6Ub9Nc4Ed7Fg2Hj5aMiOeQxS'
const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://tenantry_app@db.internal/tenantry',
  JWT_SECRET: SECRET,
  PASSWORD_PEPPER: `${SECRET}-p`,
  API_KEY_HASH_KEY: `${SECRET}-k`,
}

/** What is wrong, a line each; empty where nothing is. */
function mistakesIn(environment: Record<string, string | undefined>): string[] {
  try {
    loadConfig(environment, NO_FILE)
    return []
  } catch (error) {
    const [title, ...lines] = (error as Error).message.split('\n')
    expect(title).toBe('The configuration is not usable:')
    return lines.map((line) => line.replace('  - ', ''))
  }
}

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-config-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

test('an empty environment is enough outside production, and listens on loopback', () => {
  const config = loadConfig({}, NO_FILE)
  expect(config.production).toBe(false)
  expect(config.http).toMatchObject({ host: '127.0.0.1', port: 4000, introspection: true, graphiql: true })
  expect(config.database).toMatchObject({ url: null, migrationUrl: null, migrateOnStart: true })
})

test('in production it listens on every address, and shows neither its schema nor GraphiQL, unless told otherwise', () => {
  expect(loadConfig(PRODUCTION, NO_FILE).http).toMatchObject({
    host: '0.0.0.0',
    introspection: false,
    graphiql: false,
    sandbox: false,
  })
  const told = { ...PRODUCTION, HOST: '127.0.0.2', INTROSPECTION: 'true', GRAPHIQL: 'true' }
  expect(loadConfig(told, NO_FILE).http).toMatchObject({ host: '127.0.0.2', introspection: true, graphiql: true })
})

test('one secret is not used for two purposes', () => {
  expect(mistakesIn({ ...PRODUCTION, PASSWORD_PEPPER: SECRET })).toEqual([
    'JWT_SECRET, SIGNING_KEYS_ENCRYPTION_KEY, PASSWORD_PEPPER, API_KEY_HASH_KEY, WEBHOOK_SECRET and METRICS_TOKEN: must differ from each other',
  ])
})

test('all mistakes are told at once: what is malformed, and what contradicts something else', () => {
  const mistakes = mistakesIn({
    NODE_ENV: 'production',
    PORT: 'http',
    DATABASE_URL: 'mysql://root@localhost/tenantry',
    MAX_DEPTH: '0',
    PASSWORD_HASH_COST: '11',
    API_KEY_HASH_KEY: SECRET,
    INTROSPECTION: 'yes',
    CORS_ORIGINS: '*',
  })
  expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
    'PORT',
    'DATABASE_URL',
    'MAX_DEPTH',
    'INTROSPECTION',
    'JWT_SECRET, JWT_PRIVATE_KEY, JWT_PRIVATE_KEY_FILE or SIGNING_KEYS_ENCRYPTION_KEY',
    'PASSWORD_PEPPER',
    'PASSWORD_HASH_COST',
    'CORS_ORIGINS',
  ])
})

test('no mistake quotes what was given: it may be a secret', () => {
  const secret = 'hunter2-hunter2'
  const mistakes = mistakesIn({
    DATABASE_URL: `mysql://root:${secret}@localhost/`,
    PASSWORD_PEPPER: secret,
    PORT: secret,
  })
  expect(mistakes).toHaveLength(3)
  expect(mistakes.join()).not.toContain(secret)
})

test.each(['DATABASE_URL', 'JWT_SECRET', 'PASSWORD_PEPPER', 'API_KEY_HASH_KEY'])(
  'production refuses to do without %s',
  (name) => {
    expect(mistakesIn(PRODUCTION)).toEqual([])
    const mistakes = mistakesIn({ ...PRODUCTION, [name]: '' })
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]).toMatch(new RegExp(`^${name}.*required in production$`))
  },
)

const keyed = [
  ...['PASSWORD_PEPPER', 'API_KEY_HASH_KEY', 'WEBHOOK_SECRET', 'METRICS_TOKEN'],
  'SIGNING_KEYS_ENCRYPTION_KEY',
]

test.each(keyed)('a %s of 31 characters is refused', (name) => {
  expect(mistakesIn({ [name]: SECRET.slice(0, 32) })).toEqual([])
  expect(mistakesIn({ [name]: SECRET.slice(0, 31) })).toEqual([expect.stringMatching(new RegExp(`^${name}: `))])
})

test.each(keyed)('production refuses a %s that looks like an example', (name) => {
  const others = { ...PRODUCTION, ...(name === 'SIGNING_KEYS_ENCRYPTION_KEY' && { JWT_SECRET: '' }) }
  expect(mistakesIn({ ...others, [name]: `${SECRET}-x` })).toEqual([])
  for (const example of ['change-me-'.repeat(5), 'x'.repeat(64), `secret${SECRET.slice(0, 31)}`]) {
    expect(mistakesIn({ ...others, [name]: example })).toEqual([
      expect.stringMatching(new RegExp(`^${name}: looks like an example`)),
    ])
  }
})

test('keys of the database are a signing key, and stand beside no other', () => {
  const shared = { ...PRODUCTION, JWT_SECRET: '', SIGNING_KEYS_ENCRYPTION_KEY: `${SECRET}-s` }
  expect(mistakesIn(shared)).toEqual([])
  expect(loadConfig(shared, NO_FILE).tokens.shared).toEqual({
    encryptionKey: `${SECRET}-s`,
    algorithm: 'RS256',
    publishSeconds: 600,
  })
  for (const name of ['JWT_SECRET', 'JWT_PRIVATE_KEY', 'JWT_PRIVATE_KEY_FILE']) {
    expect(mistakesIn({ ...shared, [name]: 'anything' })).toEqual([
      expect.stringMatching(
        /^SIGNING_KEYS_ENCRYPTION_KEY: with it the keys are in the database, so JWT_SECRET, JWT_PRIV/,
      ),
    ])
  }
  expect(mistakesIn({ ...shared, SIGNING_KEYS_ENCRYPTION_KEY: 'short' })).toHaveLength(2)
  expect(mistakesIn({ ...shared, SIGNING_KEYS_ENCRYPTION_KEY: 'change-me-change-me-change-me-change-me' })).toEqual([
    expect.stringMatching(/^SIGNING_KEYS_ENCRYPTION_KEY: looks like an example/),
  ])
  expect(mistakesIn({ ...shared, SIGNING_KEYS_ENCRYPTION_KEY: `${SECRET}-p` })).toEqual([
    expect.stringMatching(/must differ from each other$/),
  ])
  expect(mistakesIn({ ...shared, SIGNING_KEY_PUBLISH_SECONDS: '300', SIGNING_KEY_ALGORITHM: 'HS256' })).toHaveLength(2)
})

test('production refuses hashes below cost 12', () => {
  expect(mistakesIn({ ...PRODUCTION, PASSWORD_HASH_COST: '11' })).toEqual([
    'PASSWORD_HASH_COST: at least 12 in production',
  ])
  expect(mistakesIn({ ...PRODUCTION, PASSWORD_HASH_COST: '12' })).toEqual([])
  expect(mistakesIn({ NODE_ENV: 'test', PASSWORD_HASH_COST: '4' })).toEqual([])
})

test('two private keys are one too many', () => {
  expect(mistakesIn({ JWT_PRIVATE_KEY: 'a', JWT_PRIVATE_KEY_FILE: 'b' })).toEqual([
    'JWT_PRIVATE_KEY and JWT_PRIVATE_KEY_FILE: give one',
  ])
})

test('a key file that cannot be read is named', () => {
  const file = join(directory, 'missing.pem')
  expect(() => loadConfig({ JWT_PRIVATE_KEY_FILE: file }, NO_FILE)).toThrow(file)
})

test('one process serves unless told otherwise, and a whole number of them, or one a core, where it is', () => {
  const workersOf = (WORKERS?: string) => loadConfig({ ...PRODUCTION, WORKERS }, NO_FILE).workers
  expect([undefined, '1', '3', '256'].map(workersOf)).toEqual([1, 1, 3, 256])
  expect(workersOf('auto')).toBe(Math.min(availableParallelism(), 256))
  for (const wrong of ['0', '257', '1.5', '-2', 'two', 'AUTO', '1e1', ' 2']) {
    expect(mistakesIn({ ...PRODUCTION, WORKERS: wrong })).toEqual([
      'WORKERS: must be auto, or a whole number from 1 to 256',
    ])
  }
})

test('the embedded database has one process', () => {
  expect(mistakesIn({ WORKERS: '2' })).toEqual([
    'WORKERS: more than 1 needs DATABASE_URL, since one process at a time can open the embedded database',
  ])
  expect(loadConfig({ WORKERS: '1' }, NO_FILE).workers).toBe(1)
  expect(loadConfig({ WORKERS: 'auto' }, NO_FILE).workers).toBe(1)
})

test('a statement must end before its operation does', () => {
  expect(mistakesIn({ DATABASE_STATEMENT_TIMEOUT_MS: '10000' })).toEqual([
    'DATABASE_STATEMENT_TIMEOUT_MS: must be below EXECUTION_TIMEOUT_MS',
  ])
})

test('a webhook is signed, and in production encrypted on its way', () => {
  const url = 'http://hooks.example.com/tenantry'
  expect(mistakesIn({ WEBHOOK_URL: url })).toEqual(['WEBHOOK_SECRET: required with WEBHOOK_URL'])
  expect(mistakesIn({ WEBHOOK_URL: url, WEBHOOK_SECRET: SECRET })).toEqual([])
  expect(mistakesIn({ ...PRODUCTION, WEBHOOK_URL: url, WEBHOOK_SECRET: `${SECRET}-w` })).toEqual([
    'WEBHOOK_URL: must be https in production',
  ])
})

test('audit events are kept for ever, or for 30 days at least', () => {
  expect(loadConfig({}, NO_FILE).audit.retentionDays).toBeNull()
  expect(loadConfig({ AUDIT_RETENTION_DAYS: '30' }, NO_FILE).audit.retentionDays).toBe(30)
  expect(mistakesIn({ AUDIT_RETENTION_DAYS: '29' })).toEqual(['AUDIT_RETENTION_DAYS: 0, or at least 30'])
})

test('origins are named one by one; all of them at once is refused, in production and elsewhere', () => {
  const named = 'https://app.example.com, https://admin.example.com,'
  expect(loadConfig({ CORS_ORIGINS: named }, NO_FILE).http.corsOrigins).toEqual([
    'https://app.example.com',
    'https://admin.example.com',
  ])
  expect(mistakesIn({ CORS_ORIGINS: 'https://app.example.com,*' })).toHaveLength(1)
  expect(mistakesIn({ ...PRODUCTION, CORS_ORIGINS: '*' })).toHaveLength(1)
})

test('a list of documents that clients cannot add to excludes that they add to it', () => {
  const { http } = loadConfig({}, NO_FILE)
  expect(http).toMatchObject({ trustedDocuments: 'off', automaticPersistedQueries: false })
  const automatic = { AUTOMATIC_PERSISTED_QUERIES: 'true' }
  expect(mistakesIn({ ...automatic, TRUSTED_DOCUMENTS: 'allow' })).toEqual([])
  expect(mistakesIn({ ...automatic, TRUSTED_DOCUMENTS: 'require' })).toEqual([
    'AUTOMATIC_PERSISTED_QUERIES: false where TRUSTED_DOCUMENTS is require, which lets no client add a document',
  ])
})

test('private hosts of issuers are named as they are compared', () => {
  const named = 'id.corp.internal, 10.0.0.7,[fd00::7]'
  expect(loadConfig({ ISSUER_PRIVATE_HOSTS: named }, NO_FILE).external.privateHosts).toEqual([
    'id.corp.internal',
    '10.0.0.7',
    '[fd00::7]',
  ])
  for (const host of ['ID.corp.internal', 'id.corp.internal:443', 'https://id.corp.internal', 'a b', 'fd00::7'])
    expect(mistakesIn({ ISSUER_PRIVATE_HOSTS: host })).toEqual([
      'ISSUER_PRIVATE_HOSTS: must be host names in lower case, without ports',
    ])
})

test('.env is read, and what stands in the environment goes before it', async () => {
  const file = join(directory, '.env')
  await writeFile(file, '# a comment\nPORT=4001\nJWT_ISSUER="https://id.example.com"\nMAX_DEPTH=7\n')
  const config = loadConfig({ MAX_DEPTH: '9' }, file)
  expect(config.http.port).toBe(4001)
  expect(config.tokens.issuer).toBe('https://id.example.com')
  expect(config.http.limits.maxDepth).toBe(9)
  expect(loadConfig({}, join(directory, 'missing')).http.port).toBe(4000)
})

test('a setting that is left empty is one that is not given', () => {
  expect(loadConfig({ PORT: '', DATABASE_URL: '', JWT_SECRET: '' }, NO_FILE)).toEqual(loadConfig({}, NO_FILE))
})

test('nothing can be changed afterwards', () => {
  expect(Object.isFrozen(loadConfig({}, NO_FILE))).toBe(true)
})
