import type { Powers } from '../access/powers.ts'

/** In rising order. */
export const roles = ['VIEWER', 'DEVELOPER', 'ADMIN'] as const
export type Role = (typeof roles)[number]

export const principalKinds = ['USER', 'OPERATOR', 'API_KEY', 'EXTERNAL'] as const
export type PrincipalKind = (typeof principalKinds)[number]

interface AnyPrincipal {
  /** The user's id, the API key's id, or the external subject. */
  readonly subject: string
  /** The organization that the credential names; null where it names none. */
  readonly organizationId: string | null
  /** The scopes granted, wildcards kept. */
  readonly scopes: readonly string[]
  /** What the access rules ask for, derived once from the fields above and the kind and role. */
  readonly powers: Powers
}

/** A person with an access token. An OPERATOR is a user who is staff of the platform; see access.md §7. */
export interface UserPrincipal extends AnyPrincipal {
  readonly kind: 'USER' | 'OPERATOR'
  readonly userId: string
  readonly email: string
  readonly sessionId: string
  readonly membershipId: string | null
  /** Held through the membership in the current organization. */
  readonly role: Role | null
}

/** A service with an API key. It belongs to its organization, not to who created it. */
export interface ApiKeyPrincipal extends AnyPrincipal {
  readonly kind: 'API_KEY'
  readonly organizationId: string
  readonly role: null
}

/** Somebody else's user, with a token of a trusted issuer. */
export interface ExternalPrincipal extends AnyPrincipal {
  readonly kind: 'EXTERNAL'
  readonly organizationId: string
  readonly role: null
  readonly claims: ToldByIssuer
}

/** What an issuer says of its user: to be shown, and never what decides. Texts without control characters, of 255 at most. */
export interface ToldByIssuer {
  readonly issuer: string
  readonly firstName: string | null
  readonly lastName: string | null
  readonly username: string | null
  readonly email: string | null
}

/** The caller of a request. */
export type Principal = UserPrincipal | ApiKeyPrincipal | ExternalPrincipal
