import { defineEntity, p, type EntitySchema } from '@mikro-orm/core'
import { expect, test } from '@jest/globals'
import { checkMigrations } from '../../src/database/check-migrations.ts'
import { everyTable } from '../../src/database/columns.ts'
import { tenantOwned } from '../../src/database/tenant-owned.ts'
import { Organization } from '../../src/modules/organization/organization.entity.ts'
import { Project } from '../../src/modules/project/project.entity.ts'
import { allEntities } from './given-database.ts'

/** The entities with one put in the place of another of the same table. */
async function withInstead(replacement: EntitySchema): Promise<EntitySchema[]> {
  const others = (await allEntities()).filter((entity) => entity.meta.tableName !== replacement.meta.tableName)
  return [...others, replacement]
}

test('the migrations make what the entities say', async () => {
  expect(await checkMigrations(await allEntities())).toEqual([])
})

test('a property without a migration is told', async () => {
  const Renamed = defineEntity({
    name: 'SignInFailures',
    tableName: 'sign_in_failures',
    rowLevelSecurity: 'force',
    properties: { ...everyTable, colour: p.text() },
  })
  expect(await checkMigrations(await withInstead(Renamed))).toEqual(
    expect.arrayContaining([expect.stringContaining('"colour"')]),
  )
})

test('a reference between tenants’ tables without the composite key is told', async () => {
  const Related = defineEntity({
    name: 'Gateway',
    tableName: 'gateways',
    ...tenantOwned,
    properties: {
      ...everyTable,
      organizationId: () => p.manyToOne(Organization).mapToPk().fieldName('organization_id'),
      templateId: () => p.manyToOne(Project).mapToPk().fieldName('template_id').createForeignKeyConstraint(false),
    },
  })
  expect(await checkMigrations(await withInstead(Related))).toEqual(
    expect.arrayContaining([expect.stringMatching(/^gateways.template_id may point at another organization's row/)]),
  )
})
