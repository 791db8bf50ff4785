import { join } from 'node:path'
import type { Config } from '../config.ts'
import { loadOrCreateSecret } from './secret-files.ts'

/** What passwords and API keys are hashed with. */
export interface ServerSecrets {
  pepper: Buffer
  hashKey: Buffer
}

/** The secrets that are given or, outside production, those of the data directory, which are made where they are missing. */
export function serverSecrets({ passwords, apiKeys, dataDir }: Config): ServerSecrets {
  const secret = (given: string | null, file: string) =>
    given === null ? loadOrCreateSecret(join(dataDir, file), 32) : Buffer.from(given)
  return {
    pepper: secret(passwords.pepper, 'password-pepper'),
    hashKey: secret(apiKeys.hashKey, 'api-key-hash-key'),
  }
}
