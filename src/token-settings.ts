import { readFileSync } from 'node:fs'
import type { SigningKeyAlgorithm } from './principal/signing-key.entity.ts'

interface GivenTokenSettings {
  readonly JWT_SECRET?: string | undefined
  readonly JWT_PRIVATE_KEY?: string | undefined
  readonly JWT_PRIVATE_KEY_FILE?: string | undefined
  readonly JWT_VERIFICATION_KEY_FILES: readonly string[]
  readonly JWT_RSA_ALGORITHM: 'RS256' | 'PS256'
  readonly SIGNING_KEYS_ENCRYPTION_KEY?: string | undefined
  readonly SIGNING_KEY_ALGORITHM: SigningKeyAlgorithm
  readonly SIGNING_KEY_PUBLISH_SECONDS: number
  readonly JWT_ISSUER: string
  readonly JWT_AUDIENCE: string
  readonly ACCESS_TOKEN_TTL_SECONDS: number
  readonly REFRESH_IDLE_TTL_SECONDS: number
  readonly REFRESH_ABSOLUTE_TTL_SECONDS: number
  readonly REFRESH_GRACE_SECONDS: number
}

/** What tokens are signed and verified with, and how long they live. @throws Error naming a key file that cannot be read */
export function tokenSettings(given: GivenTokenSettings) {
  const { JWT_PRIVATE_KEY_FILE: file, SIGNING_KEYS_ENCRYPTION_KEY: encryptionKey } = given
  return {
    secret: given.JWT_SECRET ?? null,
    signingKeyPem: given.JWT_PRIVATE_KEY ?? (file ? readPem(file) : null),
    signingKeyFile: file ?? null,
    verificationKeyPems: given.JWT_VERIFICATION_KEY_FILES.map(readPem),
    rsaAlgorithm: given.JWT_RSA_ALGORITHM,
    /** Null where the signing key is given. */
    shared: encryptionKey
      ? {
          encryptionKey,
          algorithm: given.SIGNING_KEY_ALGORITHM,
          publishSeconds: given.SIGNING_KEY_PUBLISH_SECONDS,
        }
      : null,
    issuer: given.JWT_ISSUER,
    audience: given.JWT_AUDIENCE,
    accessTtlSeconds: given.ACCESS_TOKEN_TTL_SECONDS,
    refreshIdleTtlSeconds: given.REFRESH_IDLE_TTL_SECONDS,
    refreshAbsoluteTtlSeconds: given.REFRESH_ABSOLUTE_TTL_SECONDS,
    refreshGraceSeconds: given.REFRESH_GRACE_SECONDS,
  }
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
