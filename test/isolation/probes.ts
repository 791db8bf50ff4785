import { randomUUID } from 'node:crypto'
import { raw, sql } from '@mikro-orm/sql'
import { kyselyOf } from '../database/given-database.ts'
import type { Probe } from './given-probes.ts'
import {
  ProbeGateway,
  ProbeLabel,
  ProbeMembership,
  ProbeNote,
  ProbeOrganization,
  ProbeProject,
  ProbeProjectLabel,
  ProbeUser,
} from './probe-entities.ts'

/** The calls by which a service writes. What they return besides is looked at too. */
export const writingProbes = {
  'getReference, assign, flush': async (em, _own, other) => {
    em.getReference(ProbeProject, other.projectId).name = 'taken'
    await em.flush()
  },
  'remove(reference)': async (em, _own, other) => {
    em.remove(em.getReference(ProbeMembership, other.membershipId))
    await em.flush()
  },
  merge: async (em, _own, other) => {
    const merged = em.merge(ProbeProject, { id: other.projectId, organizationId: other.organizationId, name: 'known' })
    merged.name = 'taken'
    await em.flush()
  },
  upsert: async (em, own, other) =>
    em.upsert(ProbeProject, { id: other.otherProjectId, organizationId: own.organizationId, name: 'taken' }),
  upsertMany: async (em, own, other) =>
    em.upsertMany(ProbeProject, [{ id: other.otherProjectId, organizationId: own.organizationId, name: 'taken' }]),
  'insert with a foreign organization': async (em, _own, other) => {
    await em.insert(ProbeProject, { id: randomUUID(), organizationId: other.organizationId, name: 'planted' })
  },
  'insertMany with a foreign organization': async (em, _own, other) => {
    await em.insertMany(ProbeProject, [{ id: randomUUID(), organizationId: other.organizationId, name: 'planted' }])
  },
  'create with a foreign organization': async (em, _own, other) => {
    em.create(ProbeProject, { id: randomUUID(), organizationId: other.organizationId, name: 'planted' })
    await em.flush()
  },
  'assign of a foreign organization to an own row': async (em, own, other) => {
    const project = await em.findOneOrFail(ProbeProject, { id: own.otherProjectId })
    em.assign(project, { organizationId: other.organizationId })
    await em.flush()
  },
  'create with a reference to a foreign row': async (em, own, other) => {
    const project = em.getReference(ProbeProject, other.projectId)
    em.create(ProbeGateway, { id: randomUUID(), organizationId: own.organizationId, name: 'planted', project })
    await em.flush()
  },
  'assign of a reference to a foreign row': async (em, own, other) => {
    const gateway = await em.findOneOrFail(ProbeGateway, { id: own.gatewayId })
    em.assign(gateway, { project: other.otherProjectId })
    await em.flush()
  },
  'many-to-many add of a foreign row': async (em, own, other) => {
    const project = await em.findOneOrFail(ProbeProject, { id: own.projectId }, { populate: ['labels'] })
    project.labels.add(em.getReference(ProbeLabel, other.labelId))
    await em.flush()
  },
  'a pivot row between a foreign row and an own one': async (em, own, other) => {
    const [project, label] = [em.getReference(ProbeProject, other.projectId), em.getReference(ProbeLabel, own.labelId)]
    em.create(ProbeProjectLabel, { organizationId: own.organizationId, project, label })
    await em.flush()
  },
  'a pivot row of a foreign organization': async (em, _own, { organizationId, projectId, labelId }) => {
    const [project, label] = [em.getReference(ProbeProject, projectId), em.getReference(ProbeLabel, labelId)]
    em.create(ProbeProjectLabel, { organizationId, project, label })
    await em.flush()
  },
  nativeUpdate: async (em, _own, other) => em.nativeUpdate(ProbeProject, { id: other.projectId }, { name: 'taken' }),
  nativeDelete: async (em, _own, other) => em.nativeDelete(ProbeMembership, { id: other.membershipId }),
  'query builder update': async (em, _own, other) =>
    em.createQueryBuilder(ProbeProject).update({ name: 'taken' }).where({ id: other.projectId }).execute(),
  'Kysely update': async (em, _own, other) =>
    (await kyselyOf(em).updateTable('projects').set({ name: 'taken' }).where('id', '=', other.projectId).execute())
      .length,
  'raw SQL update': async (em, _own, other) =>
    em.execute('update projects set name = ? where id = ?', ['taken', other.projectId]),
  'raw SQL insert': async (em, _own, other) =>
    em.execute('insert into projects (id, organization_id, name) values (?, ?, ?)', [
      randomUUID(),
      other.organizationId,
      'planted',
    ]),
} satisfies Record<string, Probe>

/** The calls by which a service reads. */
export const readingProbes = {
  'find of everything': async (em) => [await em.find(ProbeProject, {}), await em.find(ProbeOrganization, {})],
  'findOne by a foreign key': async (em, _own, other) => em.findOne(ProbeProject, { id: other.projectId }),
  'find with a smuggled $or': async (em, _own, other) =>
    em.find(ProbeProject, { $or: [{ organizationId: other.organizationId }, { id: { $ne: null } }] }),
  'count of foreign rows': async (em, _own, other) =>
    (await em.count(ProbeProject, { name: `project of ${other.name}` })) > 0 ? other.name : null,
  'a $some condition': async (em, _own, other) =>
    told(await em.find(ProbeUser, { memberships: { $some: { organizationId: other.organizationId } } }), other),
  'a $none condition': async (em, own, other) => {
    const found = await em.find(ProbeUser, { memberships: { $none: { organizationId: other.organizationId } } })
    return found.some((user) => user.id === own.userId) ? null : other.organizationId
  },
  'populateWhere infer': async (em, own, other) =>
    em.find(
      ProbeUser,
      { id: own.userId, memberships: { organizationId: other.organizationId } },
      { populate: ['memberships'], populateWhere: 'infer' },
    ),
  'populateWhere infer, of a reference': async (em) =>
    namesOf(
      await em.find(ProbeNote, { project: { description: null } }, { populate: ['project'], populateWhere: 'infer' }),
    ),
  'populateWhere infer, joined': async (em, own) =>
    em.find(
      ProbeUser,
      { id: own.userId, memberships: { role: { $ne: null } } },
      { populate: ['memberships'], populateWhere: 'infer', strategy: 'joined' },
    ),
  'fields of a filtered relation': async (em, own) =>
    em.find(ProbeUser, { id: own.userId }, { fields: ['email', 'memberships.organizationId'] }),
  'fields of a filtered reference': async (em) =>
    namesOf(await em.find(ProbeNote, {}, { fields: ['text', 'project.name'] })),
  'fields of a filtered reference, selected in a second statement': async (em) =>
    namesOf(await em.find(ProbeNote, {}, { fields: ['text', 'project.name'], strategy: 'select-in' })),
  'populate of a reference': async (em) => namesOf(await em.find(ProbeNote, {}, { populate: ['project'] })),
  'a condition on a filtered relation': async (em, _own, other) =>
    told(await em.find(ProbeUser, { memberships: { organizationId: other.organizationId } }), other),
  'find with the filter switched off': async (em) => em.find(ProbeProject, {}, { filters: { tenant: false } }),
  'find with parameters of its own for the filter': async (em, _own, other) =>
    em.find(ProbeProject, {}, { filters: { tenant: { organizationId: other.organizationId } } }),
  'populate of a relation': async (em, own) => em.find(ProbeUser, { id: own.userId }, { populate: ['memberships'] }),
  'a joined populate': async (em, own) =>
    em.find(ProbeUser, { id: own.userId }, { populate: ['memberships'], strategy: 'joined' }),
  'a table without the filter': async (em) => em.find(ProbeUser, {}),
  'query builder': async (em) => em.createQueryBuilder(ProbeProject).select('*').execute('all'),
  'query builder with applyFilters and a join': async (em) => {
    const query = em
      .createQueryBuilder(ProbeUser, 'u')
      .select(['u.id', 'm.organizationId'] as never)
      .leftJoin('u.memberships', 'm')
    await query.applyFilters()
    return query.execute('all')
  },
  Kysely: async (em) => kyselyOf(em).selectFrom('projects').selectAll().execute(),
  'raw SQL': async (em) => em.execute('select * from projects'),
  'a raw fragment in a condition': async (em, _own, other) =>
    em.find(ProbeProject, { [raw('1')]: sql`1 or organization_id = ${other.organizationId}` }),
  'a subquery in raw SQL': async (em) =>
    em.execute('select (select count(*) from gateways) as all, array(select name from gateways) as names'),
  'a lock of a foreign row': async (em, _own, other) =>
    em.execute('select * from projects where id = ? for update', [other.projectId]),
} satisfies Record<string, Probe>

/** Names of what the notes are about; the notes themselves are everybody's. */
const namesOf = (notes: readonly { project: { name?: string | undefined } | null }[]) =>
  notes.map((note) => note.project?.name)

/** A condition on rows that must not be seen is answered with own rows: that it holds is what has been told. */
const told = (found: readonly unknown[], other: { organizationId: string }) =>
  found.length > 0 ? other.organizationId : null
