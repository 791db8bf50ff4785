import type { ApiKeyPrincipal } from './principal.ts'

export type ApiKeyStatus = 'ACTIVE' | 'INACTIVE' | 'EXPIRED' | 'REVOKED'

/** What a key's validity hangs on. */
interface Validity {
  readonly revokedAt?: Date | null
  readonly expiresAt?: Date | null
  readonly deactivatedAt?: Date | null
}

/** What is known of a key when a request presents it. */
export interface ApiKeyRecord extends Validity {
  readonly id: string
  readonly organizationId: string
  /** The first key of its line of rotations: what its rate limit is counted under. */
  readonly lineId: string
  /** Requests a minute; null: the server's default. */
  readonly rateLimitPerMinute: number | null
  /** Who is calling with it. */
  readonly principal: ApiKeyPrincipal
}

/** What is known of an organization when somebody acts for it. */
export interface OrganizationRecord {
  readonly id: string
  readonly slug: string
  readonly suspendedAt: Date | null
  readonly requiresTenantApiKey: boolean
}

/** Whether a key can be used, and if not, why: what cannot be undone comes first. */
export function apiKeyStatus({ revokedAt, expiresAt, deactivatedAt }: Validity, now: Date): ApiKeyStatus {
  if (revokedAt) return 'REVOKED'
  if (expiresAt && expiresAt <= now) return 'EXPIRED'
  return deactivatedAt ? 'INACTIVE' : 'ACTIVE'
}
