import { createPublicKey } from 'node:crypto'
import { parseArgs } from 'node:util'
import { loadConfig, type Config } from './config.ts'
import { openDatabase } from './database/database.ts'
import { createLogger } from './http/log.ts'
import { loadModules } from './modules.ts'
import { entitiesOf } from './pipeline-entities.ts'
import type { SigningKeyRow } from './principal/signing-key.entity.ts'
import {
  readSigningKeys,
  revokeSigningKey,
  rotateSigningKey,
  type SigningKeyTable,
} from './principal/signing-key-table.ts'
import { signingKeyTable } from './principal/start-signing-keys.ts'

const USAGE = `The keys that sign access tokens, where SIGNING_KEYS_ENCRYPTION_KEY keeps them in the database.

  npm run --silent keys:signing -- list
      Every key, a JSON object a line.
  npm run --silent keys:signing -- rotate
      Makes a new key, which signs after SIGNING_KEY_PUBLISH_SECONDS, and writes its id. The first signs at once.
  npm run --silent keys:signing -- revoke <kid> [--encryption-key-lost]
      Ends a key and all of its tokens at once, and writes the id of the key that signs from now on.
      With --encryption-key-lost also keys that do not open with SIGNING_KEYS_ENCRYPTION_KEY any more.
  npm run --silent keys:signing -- public <kid>
      Writes the public key in PEM, for JWT_VERIFICATION_KEY_FILES of instances that do not share the keys yet.
`

/** What is done: text for stdout, which a program may read, and words for stderr. */
interface Done {
  output: string
  words: string
}

/** How each command is done; it gets the id that was named. */
type Command = (table: SigningKeyTable, kid: string, options: { secretLost: boolean }) => Promise<Done>

const commands: Record<string, { takesKid: boolean; run: (config: Config) => Command }> = {
  list: { takesKid: false, run: (config) => (table) => list(table, config) },
  rotate: { takesKid: false, run: () => rotate },
  revoke: { takesKid: true, run: () => revoke },
  public: { takesKid: true, run: () => publish },
}

async function list(table: SigningKeyTable, config: Config): Promise<Done> {
  const rows = await readSigningKeys(table.database)
  const now = table.clock()
  const lines = rows.map((row) => JSON.stringify(describe(row, now, config.tokens.accessTtlSeconds)))
  return { output: lines.map((line) => `${line}\n`).join(''), words: '' }
}

/** A key without its private half. */
function describe({ kid, algorithm, createdAt, signsFrom, ...row }: SigningKeyRow, now: Date, ttlSeconds: number) {
  const { signsUntil = null, revokedAt = null } = row
  return { kid, algorithm, state: stateOf(), createdAt, signsFrom, signsUntil, revokedAt }

  function stateOf(): string {
    if (revokedAt) return 'revoked'
    if (signsFrom > now) return 'published'
    if (!signsUntil || signsUntil > now) return 'signing'
    return signsUntil.getTime() + ttlSeconds * 1_000 > now.getTime() ? 'verifying' : 'retired'
  }
}

async function rotate(table: SigningKeyTable): Promise<Done> {
  const { kid, signsFrom } = await rotateSigningKey(table)
  return { output: `${kid}\n`, words: `${kid} is published and signs from ${signsFrom.toISOString()}\n` }
}

async function revoke(table: SigningKeyTable, kid: string, options: { secretLost: boolean }): Promise<Done> {
  const { kid: signing } = await revokeSigningKey(table, kid, options)
  return { output: `${signing}\n`, words: `${kid} is revoked, and none of its tokens is accepted; ${signing} signs\n` }
}

async function publish({ database }: SigningKeyTable, kid: string): Promise<Done> {
  const row = (await readSigningKeys(database)).find((one) => one.kid === kid)
  if (!row) throw new Error(`There is no signing key ${kid}`)
  const key = createPublicKey({ key: { ...row.publicJwk }, format: 'jwk' })
  return { output: key.export({ type: 'spki', format: 'pem' }).toString(), words: '' }
}

/** What the arguments ask for. @throws Error that says what is wrong with them. */
function readCommand(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { 'encryption-key-lost': { type: 'boolean', default: false } },
  })
  const [name = '', kid = '', ...others] = positionals
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  const secretLost = values['encryption-key-lost']
  if (!command || others.length > 0 || (kid !== '') !== command.takesKid || (secretLost && name !== 'revoke')) {
    throw new Error(USAGE)
  }
  return { run: command.run, kid, secretLost }
}

async function main(): Promise<void> {
  const { run, kid, secretLost } = readCommand(process.argv.slice(2))
  const config = loadConfig()
  // stdout is for what a program reads.
  const log = createLogger('warn', process.stderr)
  const database = await openDatabase(config, entitiesOf([...(await loadModules()).values()]), log)
  try {
    const table = signingKeyTable(config, { database, log, clock: () => new Date() })
    const { output, words } = await run(config)(table, kid, { secretLost })
    process.stdout.write(output)
    process.stderr.write(words)
  } finally {
    await database.close()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
