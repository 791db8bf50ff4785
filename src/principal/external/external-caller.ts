import type { RequestFacts, Services } from '../../context.ts'
import { ApiError, forbidden } from '../../errors.ts'
import { rowId } from '../../input.ts'
import type { OrganizationRecord } from '../api-key-record.ts'
import type { RequestLimits } from '../request-limits.ts'
import { externalSubject, namedOrganization, namesNoOther } from './external-principal.ts'
import { claimed } from '../compact-token.ts'
import { readExternalToken, verifiedClaims, type ExternalClaims } from './external-token.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** Somebody else's user: what is said of them, by whom, and for which organization. */
export interface ExternalCaller {
  readonly issuer: TrustedIssuer
  readonly claims: ExternalClaims
  readonly organization: OrganizationRecord
}

/**
 * Who has a token of a trusted issuer; null for a token of any other.
 * @throws ApiError where the token is not accepted, or for another organization than `X-Tenant-Id`
 */
export async function externalCaller(
  services: Services,
  request: RequestFacts,
  token: string,
  limits: RequestLimits,
): Promise<ExternalCaller | null> {
  if (services.accessTokens.hasRead(token)) return null
  const name = claimed(token, 'iss')
  const issuer = name === null ? null : await trustedIssuer(services, request, name, limits)
  if (issuer === null) return null
  const claims = await verified(services, token, issuer, limits)
  await limits.byExternal(externalSubject(claims, issuer), issuer)
  const organization = standing(await organizationOf(services, claims, issuer))
  assertTokensOrganization(organization, request.headers['x-tenant-id'])
  return { issuer, claims, organization }
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

/** What the issuer says in its token. Whoever presents it is known only once that is verified, so the address counts first. */
async function verified(
  { external: { keys, skipped }, clock, log, metrics }: Services,
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
    const key = held ?? (await keys.find(issuer, token.hint))
    return metrics.credentials.verifyToken('external', () => verifiedClaims(token, key, issuer, nowSeconds()))
  } catch (error) {
    if (error instanceof ApiError)
      log.info({ issuer: issuer.issuer, cause: error.cause }, 'an external token was refused')
    throw error
  }
}

/** The organization, as far as it can be acted for. @throws ApiError FORBIDDEN */
export function standing(organization: OrganizationRecord | null): OrganizationRecord {
  // Unknown, deleted and another's are answered alike: which organizations there are is nobody's business.
  if (!organization) {
    throw forbidden('UNKNOWN_ORGANIZATION', 'The token names no organization that its issuer may speak for')
  }
  if (organization.suspendedAt) throw forbidden('ORGANIZATION_SUSPENDED', "The token's organization is suspended")
  return organization
}

/** @throws ApiError FORBIDDEN where `X-Tenant-Id` asks for another organization than the token is for. */
export function assertTokensOrganization(
  { id }: Pick<OrganizationRecord, 'id'>,
  tenant: string | string[] | undefined,
): void {
  if (tenant === undefined || String(tenant).toLowerCase() === id) return
  throw forbidden('NOT_THE_TOKENS_ORGANIZATION', "X-Tenant-Id is not the token's organization")
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
  // UNAUTHENTICATED where it names none.
  const named = await apiKeys.organization(namedOrganization(claims, issuer), issuer.organizationBy)
  return named && mayActFor(issuer, named) ? named : null
}

/** Whether the issuer may speak for the organization at all. */
export function mayActFor({ organization: only }: TrustedIssuer, { id, slug }: OrganizationRecord): boolean {
  return only === null || only.toLowerCase() === id || only === slug
}
