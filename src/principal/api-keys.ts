import { hash } from 'node:crypto'
import type { EntityManager } from '@mikro-orm/sql'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { makePowers } from '../access/powers.ts'
import type { ScopeRegistry } from '../access/scopes.ts'
import type { Database } from '../database/database.ts'
import { tellInstances } from '../database/news.ts'
import { inTransaction } from '../database/tenancy.ts'
import { rowId } from '../input.ts'
import { ApiKey } from '../modules/api-key/api-key.entity.ts'
import { Organization } from '../modules/organization/organization.entity.ts'
import type { ApiKeyRecord, OrganizationRecord } from './api-key-record.ts'
import { hashOfApiKey, newApiKeySecret } from './api-key-secret.ts'
import { recordUses } from './api-key-uses.ts'
import type { OrganizationNaming } from './external/trusted-issuer.ts'
import { holdRecords, type Around } from './held-records.ts'

const CHANNEL = 'tenantry_records'
const MOST_HELD = 10_000
const MOST_NAME_CHARACTERS = 255

/**
 * The keys that requests present, and what is asked of organizations when somebody acts for them. Both are held in memory,
 * and forgotten on every instance when they change.
 */
export interface ApiKeys {
  /** A new secret, with what is stored of it. */
  newSecret(): { secret: string; keyHash: string; lastEight: string }
  /** The key with this secret, whatever has become of it. A promise only where the database has to be asked. */
  find(secret: string, around?: Around<ApiKeyRecord>): ApiKeyRecord | null | Promise<ApiKeyRecord | null>
  /** The key with this id, whatever has become of it. A promise only where the database has to be asked. */
  findById(id: string, around?: Around<ApiKeyRecord>): ApiKeyRecord | null | Promise<ApiKeyRecord | null>
  /** An organization that is not deleted, by its id or another name. A promise only where the database has to be asked. */
  organization(name: string, by?: OrganizationNaming): OrganizationRecord | null | Promise<OrganizationRecord | null>
  /**
   * Tells that the key or organization with this id is changed in the transaction of `em`: in force on this instance when
   * that has committed, on others at once after.
   */
  changed(em: EntityManager, id: string): Promise<void>
  /** Notes that a key was used now. */
  used(keyId: string): void
  /** Writes the uses that have been noted. */
  flushUses(): Promise<void>
  stop(): Promise<void>
}

interface ApiKeySettings {
  database: Database
  log: Logger
  clock: () => Date
  scopes: ScopeRegistry
  /** 32 bytes or more, the same on every instance: without it no key is known any more. */
  hashKey: Uint8Array
  environment: 'live' | 'test'
}

const LOOKED_UP = [
  ...(['id', 'organizationId', 'scopes', 'lineId', 'rateLimitPerMinute'] as const),
  ...(['expiresAt', 'deactivatedAt', 'revokedAt'] as const),
]

/** Reads of a key what the look-up may see of it. */
async function readKey(
  em: EntityManager,
  which: { keyHash: string } | { id: string },
  registry: ScopeRegistry,
): Promise<ApiKeyRecord | null> {
  const row = await em.findOne(ApiKey, which, { fields: LOOKED_UP })
  if (!row) return null
  const { id, organizationId, scopes, lineId, expiresAt, deactivatedAt, revokedAt } = row
  const powers = makePowers('API_KEY', null, scopes, registry)
  return {
    ...{ id, organizationId, lineId, expiresAt, deactivatedAt, revokedAt },
    rateLimitPerMinute: row.rateLimitPerMinute ?? null,
    principal: { kind: 'API_KEY', subject: id, organizationId, role: null, scopes, powers },
  }
}

async function readOrganization(
  em: EntityManager,
  by: OrganizationNaming,
  name: string,
): Promise<OrganizationRecord | null> {
  const row = await em.findOne(Organization, { [by]: name })
  if (!row) return null
  const { id, slug, suspendedAt, requiresTenantApiKey } = row
  return { id, slug, suspendedAt: suspendedAt ?? null, requiresTenantApiKey }
}

/** The name as the database has it; null for what no organization can be called, so that it is looked for nowhere. */
function spelledAsStored(name: string, by: OrganizationNaming): string | null {
  if (by === 'id') return rowId(name)
  return name.length <= MOST_NAME_CHARACTERS && name.isWellFormed() && !name.includes('\0') ? name : null
}

/** Starts to listen for changes. @throws Error where the database cannot be reached. */
export async function startApiKeys(settings: ApiKeySettings): Promise<ApiKeys> {
  const { database, log, clock, scopes, hashKey, environment } = settings
  const across = <T>(readOnly: boolean, work: (em: EntityManager) => Promise<T>) =>
    inTransaction(database, { door: 'authentication', organizationId: null, readOnly }, work)
  const holding = { most: MOST_HELD, isLive: () => listener.isLive() }
  const keys = holdRecords({
    ...holding,
    read: (keyHash) => across(true, (em) => readKey(em, { keyHash }, scopes)),
  })
  const keysById = holdRecords({ ...holding, read: (id) => across(true, (em) => readKey(em, { id }, scopes)) })
  const named = (by: OrganizationNaming) =>
    holdRecords({ ...holding, read: (name) => across(true, (em) => readOrganization(em, by, name)) })
  const organizations = { id: named('id'), slug: named('slug'), externalId: named('externalId') }
  const held = [keys, keysById, ...Object.values(organizations)]
  const drop = (id: string) => held.forEach((records) => records.drop(id))
  const listener = await database.listen(CHANNEL, {
    onMessage: drop,
    async onConnected() {
      held.forEach((records) => records.clear())
    },
  })
  // An HMAC costs ten times as much as the hash of a secret that has been found before.
  const hashes = new LRUCache<string, string>({ max: MOST_HELD })
  async function firstFound(secret: string, name: string, around?: Around<ApiKeyRecord>) {
    const keyHash = hashOfApiKey(secret, hashKey)
    const key = await keys.get(keyHash, around)
    if (key) hashes.set(name, keyHash)
    return key
  }
  const uses = recordUses({ write: (work) => across(false, work), log, clock })

  return {
    newSecret() {
      const secret = newApiKeySecret(environment)
      return { secret, keyHash: hashOfApiKey(secret, hashKey), lastEight: secret.slice(-8) }
    },
    find(secret, around) {
      const name = hash('sha256', secret, 'base64')
      const before = hashes.get(name)
      return before === undefined ? firstFound(secret, name, around) : keys.get(before, around)
    },
    findById: (id, around) => keysById.get(id, around),
    organization(name, by = 'id') {
      const spelled = spelledAsStored(name, by)
      return spelled === null ? null : organizations[by].get(spelled)
    },
    changed: (em, id) => tellInstances(em, database, { channel: CHANNEL, payload: id, take: () => drop(id) }),
    used: (keyId) => uses.note(keyId),
    flushUses: () => uses.flush(),
    async stop() {
      await uses.stop()
      await listener.stop()
    },
  }
}
