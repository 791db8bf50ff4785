import { randomUUID } from 'node:crypto'
import type { EntityManager, SqlEntityManager } from '@mikro-orm/sql'
import { MikroORM as PgliteOrm } from '@mikro-orm/pglite'
import { MikroORM as PostgresOrm } from '@mikro-orm/postgresql'
import type { Database } from '../../src/database/database.ts'
import { roles } from '../../src/database/roles.ts'
import { inTransaction } from '../../src/database/tenancy.ts'
import {
  dumpOf,
  givenDatabase,
  givenTenant,
  pgliteOf,
  type Tenant,
  type TestDatabase,
} from '../database/given-database.ts'
import { probeEntities, probeTables } from './probe-entities.ts'

/** Which of the two walls stand. */
export const walls = ['both walls', 'filter only', 'row-level security only'] as const
export type Walls = (typeof walls)[number]

export type ProbeTenant = Tenant & { labelId: string }

/** One careless call, and what it gives back: where anything of the other tenant is in it, a row has leaked. */
export type Probe = (em: SqlEntityManager, own: ProbeTenant, other: ProbeTenant) => Promise<unknown>

/** Kept: nothing of the other tenant was changed, added or seen. */
export type Verdict = 'kept' | 'changed' | 'seen'

export interface Probing {
  db: TestDatabase
  database: Database
  tenants(): Promise<{ own: ProbeTenant; other: ProbeTenant }>
  /** What becomes of the other tenant's rows; or, as a control that the probe can do what it is for, of the own ones. */
  verdictOf(probe: Probe, target?: 'other' | 'own'): Promise<Verdict>
  close(): Promise<void>
}

/** A second ORM that is connected as the server is: as the serving role, on the embedded engine by the same connection. */
async function probeOrm(db: TestDatabase): Promise<Database['orm']> {
  const options = {
    entities: probeEntities,
    autoJoinRefsForFilters: false,
    forceUtcTimezone: true,
    colors: false,
    resultCache: { expiration: 60_000 },
  }
  if (db.url === undefined) {
    const pglite = await pgliteOf(db.database)
    return PgliteOrm.init({ ...options, dbName: 'postgres', driverOptions: { pglite } })
  }
  const driverOptions = { options: `-c role=${roles.server}` }
  return PostgresOrm.init({ ...options, clientUrl: db.url, driverOptions })
}

async function takeDownRowLevelSecurity(db: TestDatabase): Promise<void> {
  const tables = await db.asOwner(`select relname as name from pg_class where relrowsecurity`)
  for (const { name } of tables) {
    await db.asOwner(`alter table "${String(name)}" no force row level security`)
    await db.asOwner(`alter table "${String(name)}" disable row level security`)
  }
}

async function givenProbeTenant(db: TestDatabase, name: string): Promise<ProbeTenant> {
  const tenant = await givenTenant(db, name)
  const labelId = randomUUID()
  await db.asOwner('insert into probe_labels (id, organization_id, name) values ($1, $2, $3)', [
    labelId,
    tenant.organizationId,
    `label of ${tenant.name}`,
  ])
  await db.asOwner('insert into probe_notes (id, text, project_id) values ($1, $2, $3)', [
    randomUUID(),
    'a note',
    tenant.projectId,
  ])
  return { ...tenant, labelId }
}

/** Everything by which a row of the tenant can be known. */
function marksOf(tenant: ProbeTenant): string[] {
  return Object.values(tenant)
}

/** A database with the tables of the probes and the walls that are to stand. */
export async function givenProbes(standing: Walls): Promise<Probing> {
  const db = await givenDatabase()
  for (const statement of probeTables) await db.asOwner(statement)
  if (standing === 'filter only') await takeDownRowLevelSecurity(db)
  const database: Database = { ...db.database, orm: await probeOrm(db) }

  async function tenants() {
    const [own, other] = [await givenProbeTenant(db, 'Own'), await givenProbeTenant(db, 'Other')]
    // Somebody is a member of both, as people are.
    await db.asOwner(`insert into memberships (id, organization_id, user_id, role) values ($1, $2, $3, 'VIEWER')`, [
      randomUUID(),
      other.organizationId,
      own.userId,
    ])
    return { own, other }
  }
  async function attempt(probe: Probe, own: ProbeTenant, other: ProbeTenant): Promise<unknown> {
    const opening = { door: 'tenant' as const, organizationId: own.organizationId, readOnly: false }
    const work = async (em: EntityManager) => {
      // The filter is overridden here, in the set-up of the test: the policies still get the tenant.
      if (standing === 'row-level security only') em.addFilter({ name: 'tenant', cond: {}, default: true })
      const result = await probe(em, own, other)
      await em.flush()
      return result
    }
    try {
      return await inTransaction(database, opening, work)
    } catch (error) {
      if (own === other) throw error
      return null
    }
  }

  return {
    db,
    database,
    tenants,
    async verdictOf(probe, target = 'other') {
      const { own, other: foreign } = await tenants()
      const other = target === 'own' ? own : foreign
      const before = await dumpOf(db, other)
      const seen = JSON.stringify((await attempt(probe, own, other)) ?? null)
      if ((await dumpOf(db, other)) !== before) return 'changed'
      return marksOf(other).some((mark) => seen.includes(mark)) ? 'seen' : 'kept'
    },
    async close() {
      await database.orm.close()
      await db.close()
    },
  }
}
