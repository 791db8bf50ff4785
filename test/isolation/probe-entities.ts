import { defineEntity, p } from '@mikro-orm/core'
import { liveRows } from '../../src/database/columns.ts'
import { tenantOwned, theTenantItself } from '../../src/database/tenant-owned.ts'

/**
 * The same tables as the server's, with the relations that the server's own entities do without: what a careless service
 * could write one day. They share the tenant filter with the real ones, and nothing else.
 */
const id = p.uuid().primary()
const organizationId = p.uuid()
const filters = { ...tenantOwned.filters, ...liveRows }

export const ProbeOrganization = defineEntity({
  name: 'ProbeOrganization',
  tableName: 'organizations',
  ...theTenantItself,
  properties: { id, name: p.text(), slug: p.text() },
})

export const ProbeProject = defineEntity({
  name: 'ProbeProject',
  tableName: 'projects',
  ...tenantOwned,
  filters,
  properties: {
    id,
    organizationId,
    deletedAt: p.datetime(3).nullable(),
    name: p.text(),
    description: p.text().nullable(),
    gateways: () => p.oneToMany(ProbeGateway).mappedBy('project'),
    labels: () => p.manyToMany(ProbeLabel).pivotEntity(() => ProbeProjectLabel),
  },
})

export const ProbeGateway = defineEntity({
  name: 'ProbeGateway',
  tableName: 'gateways',
  ...tenantOwned,
  filters,
  properties: {
    id,
    organizationId,
    deletedAt: p.datetime(3).nullable(),
    name: p.text(),
    project: () => p.manyToOne(ProbeProject).fieldName('project_id'),
  },
})

export const ProbeLabel = defineEntity({
  name: 'ProbeLabel',
  tableName: 'probe_labels',
  ...tenantOwned,
  properties: { id, organizationId, name: p.text() },
})

/** A pivot table is an entity with an organization of its own (isolation.md). */
export const ProbeProjectLabel = defineEntity({
  name: 'ProbeProjectLabel',
  tableName: 'probe_project_labels',
  ...tenantOwned,
  properties: {
    organizationId: p.uuid().defaultRaw(`current_setting('mikro.tenant.organizationId')::uuid`),
    project: () => p.manyToOne(ProbeProject).fieldName('project_id').primary(),
    label: () => p.manyToOne(ProbeLabel).fieldName('label_id').primary(),
  },
})

export const ProbeMembership = defineEntity({
  name: 'ProbeMembership',
  tableName: 'memberships',
  ...tenantOwned,
  properties: { id, organizationId, role: p.text(), user: () => p.manyToOne(ProbeUser).fieldName('user_id') },
})

/** Users are global: the entity has no tenant filter, its relation has. */
export const ProbeUser = defineEntity({
  name: 'ProbeUser',
  tableName: 'users',
  properties: { id, email: p.text(), memberships: () => p.oneToMany(ProbeMembership).mappedBy('user') },
})

/** A global table that refers to a tenant's: no filter, no policy, and a relation that has both. */
export const ProbeNote = defineEntity({
  name: 'ProbeNote',
  tableName: 'probe_notes',
  properties: { id, text: p.text(), project: () => p.manyToOne(ProbeProject).fieldName('project_id') },
})

export const probeEntities = [
  ProbeOrganization,
  ProbeProject,
  ProbeGateway,
  ProbeLabel,
  ProbeProjectLabel,
  ProbeMembership,
  ProbeUser,
  ProbeNote,
]

const policy = (table: string) => [
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  `create policy ${table}_tenant on ${table} using (organization_id = current_setting('mikro.tenant.organizationId')::uuid)`,
  `grant select, insert, update, delete on ${table} to tenantry_server`,
]

/** The tables that only the probes have, made as a migration would make them. */
export const probeTables = [
  `create table probe_labels (id uuid primary key, organization_id uuid not null, name text not null,
     unique (organization_id, id))`,
  `create table probe_project_labels (
     organization_id uuid not null default current_setting('mikro.tenant.organizationId')::uuid,
     project_id uuid not null, label_id uuid not null, primary key (project_id, label_id),
     foreign key (organization_id, project_id) references projects (organization_id, id),
     foreign key (organization_id, label_id) references probe_labels (organization_id, id))`,
  `create table probe_notes (id uuid primary key, text text not null, project_id uuid not null references projects (id))`,
  'grant select on probe_notes to tenantry_server',
  ...policy('probe_labels'),
  ...policy('probe_project_labels'),
]
