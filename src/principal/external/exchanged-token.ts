import { makePowers } from '../../access/powers.ts'
import { intersectGrants } from '../../access/scopes.ts'
import type { RequestFacts, Services } from '../../context.ts'
import { unauthenticated } from '../../errors.ts'
import { PUBLIC_CLIENT_ID, type ExternalTokenClaims, type ExternalTokenSubject } from '../access-token-claims.ts'
import { scopesIn } from '../current-claims.ts'
import type { ExternalPrincipal } from '../principal.ts'
import type { RequestLimits } from '../request-limits.ts'
import { withTenantApiKey } from '../tenant-api-key.ts'
import { assertTokensOrganization, mayActFor, standing, type ExternalCaller } from './external-caller.ts'
import { externalSubject, toldBy } from './external-principal.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** So that a token with every one of them is not too long to be read. */
const MOST_TOLD_CHARACTERS = 100

const shortened = (text: string | null) => text && Array.from(text).slice(0, MOST_TOLD_CHARACTERS).join('')

/** What one of the server's own tokens says of somebody else's user. */
export function exchangedSubject(
  { issuer, claims, organization }: ExternalCaller,
  scopes: readonly string[],
): ExternalTokenSubject {
  const told = toldBy(claims)
  return {
    kind: 'EXTERNAL',
    sub: externalSubject(claims, issuer),
    client_id: PUBLIC_CLIENT_ID,
    organization: organization.id,
    scope: scopes.join(' '),
    subject_issuer: issuer.issuer,
    registration: issuer.registration ?? null,
    given_name: shortened(told.firstName),
    family_name: shortened(told.lastName),
    preferred_username: shortened(told.username),
    email: shortened(told.email),
  }
}

/**
 * The issuer whose token was exchanged for this one, as far as it is still trusted with it. The token ends with its trust.
 * @throws ApiError UNAUTHENTICATED where it is not; RATE_LIMITED before a look-up
 */
export async function issuerOfToken(
  { external: { issuers } }: Services,
  { subject_issuer: name, organization, registration }: ExternalTokenClaims,
  limits: Pick<RequestLimits, 'beforeLookUp'>,
): Promise<TrustedIssuer> {
  let issuer = issuers.held(name, organization)
  if (issuer === undefined) {
    await limits.beforeLookUp()
    issuer = await issuers.find(name, organization)
  }
  // Registered anew, with other keys perhaps, it is another issuer.
  if (issuer && (issuer.registration ?? null) === registration) return issuer
  throw unauthenticated('REVOKED', 'The issuer of the token that was exchanged is no longer trusted')
}

/**
 * The scopes of the token that its issuer may still grant.
 * @throws ApiError FORBIDDEN where the organization cannot be acted for, by this issuer or by anybody
 */
export async function standingScopes(
  { apiKeys }: Services,
  claims: ExternalTokenClaims,
  issuer: TrustedIssuer,
): Promise<{ organizationId: string; scopes: readonly string[] }> {
  const found = await apiKeys.organization(claims.organization)
  const { id } = standing(found && mayActFor(issuer, found) ? found : null)
  return { organizationId: id, scopes: intersectGrants(scopesIn(claims), issuer.maxScopes) }
}

/** Somebody else's user, by one of the server's own tokens that was given for their issuer's. */
export async function identifyByExchangedToken(
  services: Services,
  request: RequestFacts,
  claims: ExternalTokenClaims,
  limits: RequestLimits,
): Promise<ExternalPrincipal> {
  const issuer = await issuerOfToken(services, claims, limits)
  await limits.byExternal(claims.sub, issuer)
  const { organizationId, scopes } = await standingScopes(services, claims, issuer)
  assertTokensOrganization({ id: organizationId }, request.headers['x-tenant-id'])
  const principal: ExternalPrincipal = {
    kind: 'EXTERNAL',
    subject: claims.sub,
    organizationId,
    role: null,
    scopes,
    powers: makePowers('EXTERNAL', null, scopes, services.scopes),
    claims: {
      issuer: claims.subject_issuer,
      firstName: claims.given_name,
      lastName: claims.family_name,
      username: claims.preferred_username,
      email: claims.email,
    },
  }
  return withTenantApiKey(services, request, principal, limits)
}
