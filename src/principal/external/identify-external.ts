import type { RequestFacts, Services } from '../../context.ts'
import { ApiError, forbidden } from '../../errors.ts'
import { rowId } from '../../input.ts'
import { bearerToken } from '../bearer-token.ts'
import type { ExternalPrincipal, Principal } from '../principal.ts'
import type { OrganizationRecord } from '../api-key-record.ts'
import type { RequestLimits } from '../request-limits.ts'
import { withTenantApiKey } from '../tenant-api-key.ts'
import { externalPrincipal, externalSubject, namedOrganization, namesNoOther } from './external-principal.ts'
import { claimedIssuer, readExternalToken, verifiedClaims, type ExternalClaims } from './external-token.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** Somebody else's user, by the token of a trusted issuer in `Authorization: Bearer`. A token of any other is not for this. */
export async function identifyByExternalToken(
  services: Services,
  request: RequestFacts,
  limits: RequestLimits,
): Promise<Principal | null> {
  const token = bearerToken(request.headers)
  const name = token === null ? null : claimedIssuer(token)
  const issuer = name === null ? null : await trustedIssuer(services, request, name, limits)
  if (token === null || issuer === null) return null
  const claims = await verified(services, token, issuer, limits)
  await limits.byExternal(limitedAs(claims, issuer))
  const organization = await actingFor(services, claims, issuer)
  const tenant = request.headers['x-tenant-id']
  if (tenant !== undefined && String(tenant).toLowerCase() !== organization.id) {
    throw forbidden('NOT_THE_TOKENS_ORGANIZATION', "X-Tenant-Id is not the token's organization")
  }
  const principal: ExternalPrincipal = externalPrincipal(services.scopes, issuer, claims, organization.id)
  return withTenantApiKey(services, request, principal, limits)
}

async function trustedIssuer(
  { external: { issuers } }: Services,
  { headers }: RequestFacts,
  name: string,
  limits: RequestLimits,
): Promise<TrustedIssuer | null> {
  const tenant = headers['x-tenant-id']
  const organizationId = typeof tenant === 'string' ? rowId(tenant) : null
  const held = issuers.held(name, organizationId)
  if (held !== undefined) return held
  await limits.beforeLookUp()
  return issuers.find(name, organizationId)
}

/** Another organization may have registered the same `iss` with keys of its own: it must not use up the limits of this one's. */
function limitedAs(claims: ExternalClaims, { source, organization }: TrustedIssuer): string {
  const subject = externalSubject(claims)
  return source === 'organization' ? `${organization ?? ''} ${subject}` : subject
}

/** What the issuer says in its token. Whoever presents it is known only once that is verified, so the address counts first. */
async function verified(
  { external: { keys, skipped }, clock, log }: Services,
  text: string,
  issuer: TrustedIssuer,
  limits: RequestLimits,
): Promise<ExternalClaims> {
  const nowSeconds = () => clock().getTime() / 1_000
  try {
    const token = readExternalToken(text, issuer)
    if (skipped) {
      const claims = verifiedClaims(token, null, issuer, nowSeconds())
      skipped.note(issuer.issuer)
      return claims
    }
    const held = keys.held(issuer, token.hint)
    if (!held) await limits.beforeLookUp()
    return verifiedClaims(token, held ?? (await keys.find(issuer, token.hint)), issuer, nowSeconds())
  } catch (error) {
    if (error instanceof ApiError)
      log.info({ issuer: issuer.issuer, cause: error.cause }, 'an external token was refused')
    throw error
  }
}

/** The organization that the token is for. @throws ApiError UNAUTHENTICATED where it names none; FORBIDDEN */
async function actingFor(
  services: Services,
  claims: ExternalClaims,
  issuer: TrustedIssuer,
): Promise<OrganizationRecord> {
  const organization = await organizationOf(services, claims, issuer)
  // Unknown, deleted and another's are answered alike: which organizations there are is nobody's business.
  if (!organization) {
    throw forbidden('UNKNOWN_ORGANIZATION', 'The token names no organization that its issuer may speak for')
  }
  if (organization.suspendedAt) throw forbidden('ORGANIZATION_SUSPENDED', "The token's organization is suspended")
  return organization
}

/** The organization that the issuer may speak for in this token, as far as there is one. */
async function organizationOf(
  { apiKeys }: Services,
  claims: ExternalClaims,
  issuer: TrustedIssuer,
): Promise<OrganizationRecord | null> {
  if (issuer.source === 'organization') {
    const own = await apiKeys.organization(issuer.organization ?? '')
    return own && namesNoOther(claims, issuer, own) ? own : null
  }
  const named = await apiKeys.organization(namedOrganization(claims, issuer), issuer.organizationBy)
  return named && mayActFor(issuer, named) ? named : null
}

function mayActFor({ organization: only }: TrustedIssuer, { id, slug }: OrganizationRecord): boolean {
  return only === null || only.toLowerCase() === id || only === slug
}
