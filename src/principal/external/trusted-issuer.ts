/** What an issuer may sign with: asymmetric alone, so that a published key never becomes a secret (RFC 8725 §3.1). */
export const externalAlgorithms = [
  ...(['RS256', 'RS384', 'RS512'] as const),
  ...(['PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512'] as const),
] as const
export type ExternalAlgorithm = (typeof externalAlgorithms)[number]

/** What an issuer's organization claim holds: the organization's id, its slug, or the id that an operator has given it. */
export const organizationNamings = ['id', 'slug', 'externalId'] as const
export type OrganizationNaming = (typeof organizationNamings)[number]

/** Somebody else who says who a caller is, and what their word is good for. Everything is decided: no defaults are left. */
export interface TrustedIssuer {
  /** The exact `iss`: an http(s) URL without a query or fragment, compared character by character (RFC 7519 §4.1.1). */
  readonly issuer: string
  /** Where its keys are; null: where its discovery document says (OpenID Connect Discovery 1.0 §4). */
  readonly jwksUri: string | null
  /** The `aud` that its tokens must have one of (RFC 8725 §3.9). Never empty. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly ExternalAlgorithm[]
  /** The name of the claim that says the organization. */
  readonly organizationClaim: string
  readonly organizationBy: OrganizationNaming
  /** The name of the claim with the scopes: separated by spaces, or a list. */
  readonly scopeClaim: string
  /** What each of the issuer's scopes grants here, wildcards kept; a scope that is not in it grants nothing. */
  readonly scopeMap: ReadonlyMap<string, readonly string[]>
  /** The most that any of its tokens may be granted, wildcards kept. Never empty. */
  readonly maxScopes: readonly string[]
  /** The id or slug of the only organization that it speaks for; null: any. */
  readonly organization: string | null
  /** Who trusts it: the settings, for the whole server, or one organization, for itself. */
  readonly source: 'configuration' | 'organization'
  /** The id of the organization's registration, a new one each time; left out for one of the configuration. */
  readonly registration?: string
  /** Whether its keys may be at an address that is not public. Never for one that a customer has named. */
  readonly allowPrivate: boolean
  /** The hosts that its keys may be fetched from although their addresses are not public; left out: none. */
  readonly allowedHosts?: readonly string[]
}

/** What is granted where an issuer has no map of its own. */
export const defaultScopeMap: ReadonlyMap<string, readonly string[]> = new Map([
  ['api:read', ['read:*']],
  ['api:write', ['write:*']],
])

type Found = TrustedIssuer | null

/** The issuers that organizations have registered: found by both together, never by the `iss` alone. */
export interface RegisteredIssuers {
  /** A promise only where the database has to be asked. */
  readonly find: (issuer: string, organizationId: string) => Found | Promise<Found>
  /** The same, where it is held in memory; else null. */
  readonly held: (issuer: string, organizationId: string) => Found
}

/** All issuers that are trusted. */
export interface Issuers {
  /**
   * The issuer with this exact `iss`; null for one that nobody trusts, and for the server itself. A promise only where the
   * database has to be asked.
   * @param organizationId whom the caller asks to act for: its own issuers are found too; null: none is
   */
  readonly find: (issuer: string, organizationId?: string | null) => Found | Promise<Found>
  /** The same, where no look-up is needed; undefined where only {@link Issuers.find} can tell. */
  readonly held: (issuer: string, organizationId?: string | null) => Found | undefined
}

interface IssuerSources {
  /** The server's own `iss`: never another's. */
  ownIssuer: string
  configured: readonly TrustedIssuer[]
  /** Those that organizations have registered; none by default. */
  registered?: RegisteredIssuers | null
}

/** The issuers of the configuration, and after them those that organizations have registered. */
export function createIssuers({ ownIssuer, configured, registered = null }: IssuerSources): Issuers {
  const byName = new Map(configured.map((issuer) => [issuer.issuer, issuer]))
  // An organization cannot take the server's issuers over, also where they were configured after it had registered them.
  const isKnown = (issuer: string) => issuer === ownIssuer || byName.has(issuer)
  function held(issuer: string, organizationId: string | null = null): Found | undefined {
    if (isKnown(issuer) || organizationId === null || registered === null) return byName.get(issuer) ?? null
    return registered.held(issuer, organizationId) ?? undefined
  }
  return {
    held,
    find(issuer, organizationId = null) {
      const known = held(issuer, organizationId)
      if (known !== undefined || organizationId === null) return known ?? null
      return registered?.find(issuer, organizationId) ?? null
    },
  }
}
