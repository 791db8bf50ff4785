import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import { isOpenToOthers } from './secret-files.ts'
import { startSharedSigningKeys, type StartedSigningKeys } from './shared-signing-keys.ts'
import { createKeySealing } from './signing-key-sealing.ts'
import type { SigningKeyTable } from './signing-key-table.ts'
import { loadSigningKeys, loadVerificationKeys } from './signing-keys.ts'

interface Starting {
  database: Database
  clock: () => Date
  /** How long a token may be accepted after it was signed. */
  lifetimeSeconds: number
}

/**
 * Reads the keys that the settings give, so that their mistakes are told before a database is asked for anything.
 * @returns what starts them: those that are given or, with SIGNING_KEYS_ENCRYPTION_KEY, those of the database
 * @throws Error naming every mistake at once; see {@link loadSigningKeys}.
 */
export function prepareSigningKeys(config: Config, log: Logger): (starting: Starting) => Promise<StartedSigningKeys> {
  const { tokens, production, dataDir } = config
  if (tokens.shared) {
    const older = loadVerificationKeys(tokens)
    return async ({ lifetimeSeconds, ...surroundings }) =>
      startSharedSigningKeys({ table: signingKeyTable(config, { ...surroundings, log }), lifetimeSeconds, older })
  }
  const file = tokens.signingKeyFile
  // A mounted secret has the mode that the platform gives it: told, and not refused.
  if (file && isOpenToOthers(file)) log.warn({ file }, 'others may read or write the key file of JWT_PRIVATE_KEY_FILE')
  // In production keys are given, never made: two instances would each make their own.
  const keys = loadSigningKeys({ ...tokens, production, generateInto: production ? null : dataDir })
  return async () => ({ ...keys, fault: () => null, stop: async () => {} })
}

/** The table of the keys, with what the settings say of it. @throws Error where SIGNING_KEYS_ENCRYPTION_KEY is not set. */
export function signingKeyTable(
  { tokens: { shared } }: Config,
  surroundings: Pick<SigningKeyTable, 'database' | 'log' | 'clock'>,
): SigningKeyTable {
  if (!shared) throw new Error('SIGNING_KEYS_ENCRYPTION_KEY is not set: the keys are not those of the database')
  const { encryptionKey, algorithm, publishSeconds } = shared
  return { ...surroundings, sealing: createKeySealing(encryptionKey), algorithm, publishSeconds }
}
