import { randomUUID } from 'node:crypto'
import { createContext, type Context, type Services } from '../../context.ts'
import { inTransaction } from '../../database/tenancy.ts'
import { notFound } from '../../errors.ts'
import { rowId } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { Organization } from '../organization/organization.entity.ts'
import { insertApiKey, newApiKey, type ApiKeyWithSecret } from './create-api-key.ts'

const DAY_MS = 86_400_000

/** A key as it is asked for on the command line. */
export interface WantedApiKey {
  name: string
  description?: string | undefined
  service: string
  scopes: string[]
  expiresInDays?: number | undefined
  rateLimitPerMinute?: number | undefined
}

/**
 * Makes keys of an organization for whoever may run commands on the server: all of them, or none.
 * @param organization its slug or id
 * @throws ApiError NOT_FOUND; BAD_USER_INPUT
 */
export async function issueApiKeys(
  services: Services,
  organization: string,
  wanted: readonly WantedApiKey[],
): Promise<ApiKeyWithSecret[]> {
  const organizationId = await idOf(services, organization)
  const ctx = createContext(services, commandLine(), null)
  const keys = wanted.map(({ expiresInDays, ...key }) =>
    newApiKey(ctx, { ...key, expiresAt: expiresInDays === undefined ? null : inDays(ctx, expiresInDays) }),
  )
  return inTransaction(services.database, { door: 'tenant', organizationId, readOnly: false }, async (em) => {
    const issued: ApiKeyWithSecret[] = []
    for (const key of keys) {
      const one = await insertApiKey(ctx, em, { ...key, organizationId, createdById: null })
      const target = { type: 'ApiKey', id: one.apiKey.id }
      await audit(ctx, em, { action: 'api_key.created', organizationId, target, details: { scopes: key.scopes } })
      issued.push(one)
    }
    return issued
  })
}

async function idOf({ database }: Services, organization: string): Promise<string> {
  const id = rowId(organization)
  const found = await inTransaction(database, { door: 'authentication', organizationId: null, readOnly: true }, (em) =>
    em.findOne(Organization, id ? { id } : { slug: organization }),
  )
  if (!found) throw notFound(`Organization ${organization}`)
  return found.id
}

const inDays = ({ services }: Context, days: number) => new Date(services.clock().getTime() + days * DAY_MS)

/** What the audit event says of a request that there is none of. */
function commandLine(): Context['request'] {
  return { requestId: randomUUID(), headers: {}, ipAddress: '127.0.0.1', userAgent: 'command line' }
}
