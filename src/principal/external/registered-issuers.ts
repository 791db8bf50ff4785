import type { EntityManager } from '@mikro-orm/sql'
import type { Database } from '../../database/database.ts'
import { tellInstances } from '../../database/news.ts'
import { inTransaction } from '../../database/tenancy.ts'
import { Issuer } from '../../modules/issuer/issuer.entity.ts'
import { holdRecords } from '../held-records.ts'
import type { RegisteredIssuers, TrustedIssuer } from './trusted-issuer.ts'

const CHANNEL = 'tenantry_issuers'
const MOST_HELD = 10_000
/** The longest `iss` that can be registered. */
const MOST_CHARACTERS = 255

/** Why it is safe to let customers name issuers:
 *
 * An `iss` is anybody's to write, so two organizations may register the same one, with other keys and audiences. Whichever
 * of them a token were taken to be for by itself, the other could have named it first and so capture its users. Therefore a
 * registration is found by organization and `iss` together, the organization being the one in `X-Tenant-Id`, which the
 * caller chooses and nobody else; it speaks for that organization alone, whatever its tokens say; and a token that is sent
 * without the header is one of an unknown issuer. Uniqueness is per organization, so none learns what others have registered.
 */
export interface HeldIssuers extends RegisteredIssuers {
  /**
   * Tells that an issuer is changed in the transaction of `em`: in force on this instance when that has committed, on others
   * at once after.
   */
  changed(em: EntityManager, id: string): Promise<void>
  /** Calls `hear` with the id of each issuer that is changed, by whichever instance. */
  onChanged(hear: (id: string) => void): void
  stop(): Promise<void>
}

interface Holding {
  database: Database
  /** Hosts that may have private addresses: ISSUER_PRIVATE_HOSTS. */
  privateHosts: readonly string[]
}

const LOOKED_UP = [
  ...(['id', 'organizationId', 'issuer', 'jwksUri', 'audiences', 'algorithms'] as const),
  ...(['scopeClaim', 'scopeMap', 'maxScopes'] as const),
]

/** Its key in memory: an id has always the same length. */
const keyOf = (issuer: string, organizationId: string) => `${organizationId} ${issuer}`

async function readIssuer(em: EntityManager, key: string, allowedHosts: readonly string[]) {
  const [organizationId = '', issuer = ''] = key.split(/ (.*)/s, 2)
  const row = await em.findOne(Issuer, { organizationId, issuer, disabledAt: null }, { fields: LOOKED_UP })
  if (!row) return null
  return {
    id: row.id,
    registration: row.id,
    issuer,
    jwksUri: row.jwksUri ?? null,
    audiences: row.audiences,
    algorithms: row.algorithms,
    organizationClaim: 'organization',
    organizationBy: 'id',
    scopeClaim: row.scopeClaim,
    scopeMap: new Map(row.scopeMap.map(({ scope, grants }) => [scope, grants])),
    maxScopes: row.maxScopes,
    organization: organizationId,
    source: 'organization',
    allowPrivate: false,
    allowedHosts,
  } satisfies TrustedIssuer & { id: string }
}

/** Starts to listen for changes. @throws Error where the database cannot be reached. */
export async function startRegisteredIssuers({ database, privateHosts }: Holding): Promise<HeldIssuers> {
  const records = holdRecords({
    most: MOST_HELD,
    isLive: () => listener.isLive(),
    read: (key) =>
      inTransaction(database, { door: 'authentication', organizationId: null, readOnly: true }, (em) =>
        readIssuer(em, key, privateHosts),
      ),
  })
  const hearing: ((id: string) => void)[] = [(id) => records.drop(id)]
  const tell = (id: string) => hearing.forEach((hear) => hear(id))
  const listener = await database.listen(CHANNEL, {
    onMessage: tell,
    onConnected: async () => records.clear(),
  })
  const isName = (issuer: string) => issuer.length <= MOST_CHARACTERS && issuer.isWellFormed() && !issuer.includes('\0')
  return {
    held: (issuer, organizationId) => records.held(keyOf(issuer, organizationId)),
    find: (issuer, organizationId) => (isName(issuer) ? records.get(keyOf(issuer, organizationId)) : null),
    changed: (em, id) => tellInstances(em, database, { channel: CHANNEL, payload: id, take: () => tell(id) }),
    onChanged: (hear) => void hearing.push(hear),
    stop: () => listener.stop(),
  }
}
