import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openRows } from '../../src/database/rows.ts'
import { givenProbes, type Probing, type ProbeTenant } from './given-probes.ts'
import { ProbeOrganization, ProbeProject } from './probe-entities.ts'

let probing: Probing
let own: ProbeTenant
let other: ProbeTenant

beforeAll(async () => {
  probing = await givenProbes('both walls')
  ;({ own, other } = await probing.tenants())
})
afterAll(() => probing?.close())

const rowsOf = (tenant: ProbeTenant) => openRows(probing.database, tenant.organizationId)

test('an identity map shared by two doors would show a foreign row: what no wall stops', async () => {
  const em = probing.database.orm.em.fork({ disableContextResolution: true })
  em.setFilterParams('tenant', { organizationId: other.organizationId })
  await em.findOneOrFail(ProbeProject, { id: other.projectId })
  em.setFilterParams('tenant', { organizationId: own.organizationId })
  // By its primary key it is answered from memory: neither the filter nor the database is asked.
  expect(await em.findOne(ProbeProject, other.projectId)).not.toBeNull()
})

test('a row that was loaded through another door of the same operation is not found through the tenant door', async () => {
  const rows = rowsOf(own)
  const loaded = await rows.read('authentication', (em) => em.findOne(ProbeOrganization, other.organizationId))
  expect(loaded?.id).toBe(other.organizationId)
  expect(await rows.read('tenant', (em) => em.findOne(ProbeOrganization, other.organizationId))).toBeNull()
  expect(await rows.write('tenant', (em) => em.findOne(ProbeOrganization, other.organizationId))).toBeNull()
  await rows.close()
})

test('every transaction has an EntityManager of its own, and never gets it again', async () => {
  const rows = rowsOf(own)
  const read = await rows.read('tenant', async (em) => em)
  expect(await rows.read('tenant', async (em) => em)).toBe(read)
  const written = await rows.write('tenant', async (em) => em)
  const readAgain = await rows.read('tenant', async (em) => em)
  const across = await rows.read('authentication', async (em) => em)
  await rows.close()
  expect(new Set([read, written, readAgain, across]).size).toBe(4)
})

test('an EntityManager that is kept after its operation still reaches its own tenant alone', async () => {
  const rows = rowsOf(own)
  const em = await rows.read('tenant', async (kept) => kept)
  await rows.close()
  expect(await em.find(ProbeProject, { id: { $in: [own.projectId, other.projectId] } })).toHaveLength(1)
  expect(await em.execute('select id from projects where organization_id <> ?', [own.organizationId])).toEqual([])
})

test('a named result-cache key serves each tenant its own rows', async () => {
  const cached = { cache: ['the projects', 60_000] as [string, number] }
  const find = (tenant: ProbeTenant) => rowsOf(tenant).write('tenant', (em) => em.find(ProbeProject, {}, cached))
  expect((await find(other)).map((project) => project.organizationId)).toEqual(Array(2).fill(other.organizationId))
  expect((await find(own)).map((project) => project.organizationId)).toEqual(Array(2).fill(own.organizationId))
  expect((await find(other)).map((project) => project.organizationId)).toEqual(Array(2).fill(other.organizationId))
})

test('a fork of the EntityManager stays within the tenant', async () => {
  const found = await rowsOf(own).write('tenant', (em) =>
    em.transactional((nested) => nested.find(ProbeProject, { id: other.projectId })),
  )
  expect(found).toEqual([])
})

test('a gateway cannot point at a project of another organization, whoever writes it', async () => {
  const asOwner = probing.db.asOwner(
    'insert into gateways (id, organization_id, project_id, name) values ($1, $2, $3, $4)',
    [randomUUID(), own.organizationId, other.projectId, 'planted'],
  )
  await expect(asOwner).rejects.toThrow(/gateways_project_same_organization/)
  const moved = probing.db.asOwner('update gateways set organization_id = $1 where id = $2', [
    own.organizationId,
    other.gatewayId,
  ])
  await expect(moved).rejects.toThrow(/gateways_project_same_organization/)
})

/** What an attempt to insert is answered with, without the values that were given. */
async function refusal(organizationId: string, projectId: string): Promise<string> {
  const inserting = rowsOf(own).write('tenant', (em) =>
    em.execute('insert into gateways (id, organization_id, project_id, name) values (?, ?, ?, ?)', [
      randomUUID(),
      organizationId,
      projectId,
      'planted',
    ]),
  )
  const message = await inserting.then(String, String)
  return message
    .replaceAll(organizationId, '[organization]')
    .replaceAll(projectId, '[project]')
    .replaceAll(/[\da-f-]{36}/g, '[id]')
}

test('a reference to a foreign row is refused exactly as one to a row that does not exist', async () => {
  expect(await refusal(own.organizationId, other.projectId)).toBe(await refusal(own.organizationId, randomUUID()))
  expect(await refusal(other.organizationId, other.projectId)).toBe(await refusal(randomUUID(), randomUUID()))
})

/** Of random values of 128 bits or more, which nobody can guess and no client chooses. */
const randomValues = ['USING btree (id)', 'USING btree (key_hash)']

test('no unique index of a tenant-owned table spans organizations, but for random values', async () => {
  const spanning = await probing.db.asOwner(
    `select c.relname as "table", substring(pg_get_indexdef(i.indexrelid) from 'USING .*') as definition
     from pg_index i join pg_class c on c.oid = i.indrelid
     join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
     where i.indisunique and c.relname not like 'probe%'
       and not a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])`,
  )
  expect(spanning).not.toEqual([])
  expect(spanning.filter(({ definition }) => !randomValues.includes(String(definition)))).toEqual([])
})

test('the same names stand in two organizations', async () => {
  for (const tenant of [own, other]) {
    await rowsOf(tenant).write('tenant', (em) =>
      em.insert(ProbeProject, { id: randomUUID(), organizationId: tenant.organizationId, name: 'Same name' }),
    )
  }
})
