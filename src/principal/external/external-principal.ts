import { makePowers } from '../../access/powers.ts'
import { intersectGrants, type ScopeRegistry } from '../../access/scopes.ts'
import { unauthenticated } from '../../errors.ts'
import type { OrganizationRecord } from '../api-key-record.ts'
import type { ExternalPrincipal, ToldByIssuer } from '../principal.ts'
import type { ExternalClaims } from './external-token.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

const MOST_CHARACTERS = 255
/** Controls, and what turns the direction of the text around it. */
const UNSHOWN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/**
 * The same `sub` at two issuers is two principals. No `iss` has a `#` in it, so what comes before the first one is it. Two
 * organizations may have registered the same `iss`, with keys of their own: there the organization stands between.
 */
export function externalSubject({ iss, sub }: ExternalClaims, { source, organization }: TrustedIssuer): string {
  return source === 'organization' ? `${iss}#${organization ?? ''}#${sub}` : `${iss}#${sub}`
}

/**
 * How the token names the organization that it is for.
 * @throws ApiError UNAUTHENTICATED with INVALID where it names none
 */
export function namedOrganization(claims: ExternalClaims, { organizationClaim }: TrustedIssuer): string {
  const named = own(claims, organizationClaim)
  if (typeof named === 'string' && named !== '') return named
  throw unauthenticated('INVALID', `Token missing required '${organizationClaim}' claim`)
}

/**
 * Whether a token of an issuer that the organization has registered is for it: it need not name any, but no other. A claim
 * that is no text, such as a list of groups, names none.
 */
export function namesNoOther(
  claims: ExternalClaims,
  { organizationClaim }: TrustedIssuer,
  { id, slug }: OrganizationRecord,
): boolean {
  const named = own(claims, organizationClaim)
  return typeof named !== 'string' || named.toLowerCase() === id || named === slug
}

/** What the token grants: what its scopes stand for here, and no more than the issuer is trusted with. */
export function grantsOf(
  claims: ExternalClaims,
  { scopeClaim, scopeMap, maxScopes }: TrustedIssuer,
): readonly string[] {
  const given = own(claims, scopeClaim)
  // RFC 8693 §4.2 separates them by spaces; many issuers give a list.
  const scopes: unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : []
  const mapped = scopes.flatMap((scope) => (typeof scope === 'string' ? (scopeMap.get(scope) ?? []) : []))
  return intersectGrants([...new Set(mapped)], maxScopes)
}

/** Somebody else's user as a principal of this server. Nothing about them is stored, and no user here is taken for them. */
export function externalPrincipal(
  registry: ScopeRegistry,
  issuer: TrustedIssuer,
  claims: ExternalClaims,
  organizationId: string,
): ExternalPrincipal {
  const scopes = grantsOf(claims, issuer)
  const powers = makePowers('EXTERNAL', null, scopes, registry)
  const subject = externalSubject(claims, issuer)
  return { kind: 'EXTERNAL', subject, organizationId, role: null, scopes, powers, claims: toldBy(claims) }
}

/** What an issuer tells of its user, as it can be shown. OpenID Connect Core 1.0 §5.1, and how those name them who do not keep to it. */
export function toldBy(claims: ExternalClaims): ToldByIssuer {
  return {
    issuer: claims.iss,
    firstName: shown(claims, 'given_name', 'firstName'),
    lastName: shown(claims, 'family_name', 'lastName'),
    username: shown(claims, 'preferred_username', 'username'),
    email: shown(claims, 'email'),
  }
}

/** The first of these claims that is a text, as it can be shown and logged. */
function shown(claims: ExternalClaims, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = own(claims, name)
    if (typeof value !== 'string') continue
    const text = value.toWellFormed().replaceAll(UNSHOWN, '').trim()
    if (text !== '') return Array.from(text).slice(0, MOST_CHARACTERS).join('')
  }
  return null
}

/** A claim that the token has, and not what every object has. */
const own = (claims: ExternalClaims, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined)
