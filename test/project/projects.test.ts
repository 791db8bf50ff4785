import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import {
  expectError,
  givenGateway,
  givenMember,
  givenPerson,
  givenProject,
  startServer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { insertProjects, sql } from '../paging/rows.ts'

let server: TestServer
let admin: Person
let stranger: Person
beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server)
  stranger = await givenPerson(server, 'Other')
})
afterAll(async () => server.close())

const FIELDS = 'id name description createdAt updatedAt'
const send = (query: string, variables: Record<string, unknown> = {}, person: { token: string } = admin) =>
  server.send(query, { token: person.token, variables })
const create = (input: Record<string, unknown>, person?: { token: string }) =>
  send(
    `mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { ${FIELDS} } } }`,
    { input },
    person,
  )
const update = (input: Record<string, unknown>, person?: { token: string }) =>
  send(
    `mutation ($input: UpdateProjectInput!) { updateProject(input: $input) { project { ${FIELDS} } } }`,
    { input },
    person,
  )
const remove = (id: unknown, person?: { token: string }) =>
  send(`mutation ($id: ID!) { deleteProject(input: { id: $id }) { project { ${FIELDS} } } }`, { id }, person)
const read = (id: unknown, person?: { token: string }) =>
  send(`query ($id: ID!) { project(id: $id) { ${FIELDS} } }`, { id }, person)
const names = async (variables: Record<string, unknown>, person?: { token: string }) => {
  const answer = await send(
    `query ($filter: ProjectFilter, $orderBy: ProjectOrder) {
      projects(first: 100, filter: $filter, orderBy: $orderBy) { totalCount nodes { id name } }
    }`,
    variables,
    person,
  )
  expect(answer.errors).toEqual([])
  expect(answer.data.projects.totalCount).toBe(answer.data.projects.nodes.length)
  return answer.data.projects.nodes.map((node: { name: string }) => node.name) as string[]
}
const idsThatNobodyHas = () => [randomUUID(), '', '1', 'x'.repeat(10_000), '🦊', `{${randomUUID()}}`]

test('a project that was created is read back as it is', async () => {
  const created = (await create({ name: 'Alpha', description: 'The first' })).data.createProject.project
  expect(created).toMatchObject({ name: 'Alpha', description: 'The first' })
  expect((await read(created.id)).data.project).toEqual(created)
  expect((await read(created.id.toUpperCase())).data.project).toEqual(created)
})

test('a name is trimmed, and counted in code points', async () => {
  const fox = '🦊'
  expect((await create({ name: ' \t Beta \n' })).data.createProject.project.name).toBe('Beta')
  expect((await create({ name: fox.repeat(200) })).data.createProject.project.name).toBe(fox.repeat(200))
  for (const name of ['', '   ', '\u3000', 'x'.repeat(201), fox.repeat(201)]) {
    const answer = await create({ name })
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs).toEqual([{ path: ['input', 'name'], reason: expect.any(String) }])
  }
})

test('a description is trimmed, empty is none, and 2,000 code points are the most', async () => {
  expect((await create({ name: 'x', description: '  ' })).data.createProject.project.description).toBeNull()
  expect((await create({ name: 'x', description: ' a\nb ' })).data.createProject.project.description).toBe('a\nb')
  expect((await create({ name: 'x', description: '🦊'.repeat(2_000) })).errors).toEqual([])
  const { id } = (await create({ name: 'x' })).data.createProject.project
  const tooLong = '🦊'.repeat(2_001)
  for (const answer of [
    await create({ name: 'x', description: tooLong }),
    await update({ id, description: tooLong }),
  ]) {
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', 'description'])
  }
})

test('what the database could not store as it was given is refused', async () => {
  const { id } = (await create({ name: 'Kept' })).data.createProject.project
  for (const text of ['a\0b', 'a\ud800b', '\udc00']) {
    for (const answer of [
      await create({ name: text }),
      await create({ name: 'x', description: text }),
      await update({ id, name: text }),
      await update({ id, description: text }),
      await read(text),
      await remove(text),
      await send('query ($f: ProjectFilter) { projects(filter: $f) { totalCount } }', { f: { nameContains: text } }),
    ]) {
      expectError(answer, 'BAD_USER_INPUT')
      expect(answer.data ?? null).toBeNull()
    }
  }
  expectError(
    await send('mutation { createProject(input: { name: "a\\u0000b" }) { project { id } } }'),
    'BAD_USER_INPUT',
  )
  expect(await names({ filter: { nameContains: 'Kept' } })).toEqual(['Kept'])
})

test('a change leaves alone what it leaves out, and null clears the description', async () => {
  const { id, ...before } = (await create({ name: 'Gamma', description: 'Text' })).data.createProject.project
  expect((await update({ id })).data.updateProject.project).toMatchObject({ name: 'Gamma', description: 'Text' })
  expect((await update({ id, name: ' Delta ' })).data.updateProject.project).toMatchObject({
    name: 'Delta',
    description: 'Text',
    createdAt: before.createdAt,
  })
  expect((await update({ id, description: null })).data.updateProject.project).toMatchObject({
    name: 'Delta',
    description: null,
  })
  const after = (await read(id)).data.project
  expect(after).toMatchObject({ name: 'Delta', description: null })
  expect(Date.parse(after.updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt))
})

test('a name cannot be cleared', async () => {
  const { id } = (await create({ name: 'Named' })).data.createProject.project
  for (const name of [null, '', ' ']) {
    const answer = await update({ id, name })
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', 'name'])
  }
  expect((await read(id)).data.project.name).toBe('Named')
})

test('a deleted project is gone from everywhere, with its gateways, and its rows stay', async () => {
  const person = await givenPerson(server)
  const kept = await givenProject(server, person, 'Kept')
  const id = await givenProject(server, person, 'Doomed')
  const gateway = await givenGateway(server, person, id, 'Doomed too')
  const other = await givenGateway(server, person, kept, 'Kept too')
  const answer = await send(
    `mutation ($id: ID!) {
      deleteProject(input: { id: $id }) { project { id name gateways { totalCount nodes { id } } } }
    }`,
    { id },
    person,
  )
  expect(answer.errors).toEqual([])
  expect(answer.data.deleteProject.project).toEqual({ id, name: 'Doomed', gateways: { totalCount: 0, nodes: [] } })

  const after = await send(
    `query ($id: ID!, $gateway: ID!) {
      project(id: $id) { id }
      gateway(id: $gateway) { id }
      projects { totalCount nodes { id } }
      named: projects(filter: { nameContains: "Doomed" }) { totalCount nodes { id } }
      gateways { totalCount nodes { id project { id } } }
      ofProject: gateways(filter: { projectId: $id }) { totalCount nodes { id } }
    }`,
    { id, gateway },
    person,
  )
  expect(after.errors).toEqual([])
  expect(after.data).toEqual({
    project: null,
    gateway: null,
    projects: { totalCount: 1, nodes: [{ id: kept }] },
    named: { totalCount: 0, nodes: [] },
    gateways: { totalCount: 1, nodes: [{ id: other, project: { id: kept } }] },
    ofProject: { totalCount: 0, nodes: [] },
  })
  expectError(await update({ id, name: 'Back' }, person), 'NOT_FOUND')
  expectError(await remove(id, person), 'NOT_FOUND')
  const rows = await sql<{ id: string; deleted: boolean }>(
    server,
    person.organizationId,
    `select id, deleted_at is not null as deleted from projects
     union all select id, deleted_at is not null from gateways order by 2, 1`,
  )
  expect(rows.filter((row) => row.deleted).map((row) => row.id)).toEqual([id, gateway].sort())
  expect(rows).toHaveLength(4)
})

test('an id that is unknown, foreign or none at all is answered alike', async () => {
  const foreign = await givenProject(server, stranger, 'Foreign')
  for (const id of [foreign, ...idsThatNobodyHas()]) {
    const answer = await read(id)
    expect([answer.status, answer.errors, answer.data]).toEqual([200, [], { project: null }])
  }
  const refusals = new Set<string>()
  for (const id of [foreign, ...idsThatNobodyHas()]) {
    for (const answer of [await update({ id, name: 'Mine' }), await remove(id)]) {
      expectError(answer, 'NOT_FOUND')
      refusals.add(`${answer.errors[0]?.message} ${JSON.stringify(answer.errors[0]?.extensions)}`)
    }
  }
  expect(refusals.size).toBe(1)
  expect((await read(foreign, stranger)).data.project.name).toBe('Foreign')
})

test('a filter finds its text anywhere, and takes every character as itself', async () => {
  const person = await givenPerson(server)
  const all = ['100%', '100x', 'a_b', 'aXb', 'back\\slash', `it's "quoted"`, 'Grüße 🦊', 'straße', '$1 ? :x {} ??']
  for (const name of all) await givenProject(server, person, name)
  for (const [nameContains, found] of [
    ['%', ['100%']],
    ['0%', ['100%']],
    ['_', ['a_b']],
    ['\\', ['back\\slash']],
    ['K\\S', ['back\\slash']],
    [`'s "q`, [`it's "quoted"`]],
    ['🦊', ['Grüße 🦊']],
    ['üß', ['Grüße 🦊']],
    ['GR', ['Grüße 🦊']],
    ['?', ['$1 ? :x {} ??']],
    ['$1', ['$1 ? :x {} ??']],
    ['??', ['$1 ? :x {} ??']],
    ['B', ['a_b', 'aXb', 'back\\slash']],
    ['nothing', []],
    ['', all],
    [null, all],
  ] as const) {
    expect([nameContains, await names({ filter: { nameContains } }, person)]).toEqual([nameContains, found])
  }
  expect(await names({ filter: null }, person)).toEqual(all)
  expect(await names({ filter: {} }, person)).toEqual(all)
})

test('every order is total: equal values are told apart by id', async () => {
  const person = await givenPerson(server)
  const id = (n: number) => `01900000-0000-7000-8000-00000000000${n}`
  const at = (ms: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, 0, ms))
  await insertProjects(server, person.organizationId, [
    { id: id(1), name: 'b', createdAt: at(2) },
    { id: id(2), name: 'a', createdAt: at(1) },
    { id: id(3), name: 'b', createdAt: at(1) },
    { id: id(4), name: 'a', createdAt: at(2) },
  ])
  const order = async (field: string, direction: string) => {
    const answer = await send(
      'query ($orderBy: ProjectOrder) { projects(orderBy: $orderBy) { nodes { id } } }',
      { orderBy: { field, direction } },
      person,
    )
    return answer.data.projects.nodes.map((node: { id: string }) => Number(node.id.at(-1)))
  }
  expect(await order('NAME', 'ASC')).toEqual([2, 4, 1, 3])
  expect(await order('NAME', 'DESC')).toEqual([3, 1, 4, 2])
  expect(await order('CREATED_AT', 'ASC')).toEqual([2, 3, 1, 4])
  expect(await order('CREATED_AT', 'DESC')).toEqual([4, 1, 3, 2])
})

test('a DEVELOPER writes projects, a VIEWER only reads them and is told what is missing', async () => {
  const developer = await givenMember(server, admin, 'DEVELOPER')
  const viewer = await givenMember(server, admin, 'VIEWER')
  const { id } = (await create({ name: 'By a developer' }, developer)).data.createProject.project
  expect((await update({ id, name: 'Changed' }, developer)).errors).toEqual([])
  expect((await read(id, viewer)).data.project.name).toBe('Changed')
  for (const answer of [
    await create({ name: 'x' }, viewer),
    await update({ id, name: 'x' }, viewer),
    await remove(id, viewer),
  ]) {
    expectError(answer, 'FORBIDDEN')
    expect(answer.data ?? null).toBeNull()
    expect(answer.errors[0]?.extensions).toMatchObject({ required: ['write:projects'], missing: ['write:projects'] })
  }
  expect((await read(id)).data.project.name).toBe('Changed')
  expect((await remove(id, developer)).errors).toEqual([])
})

test('somebody without an organization neither reads nor writes projects', async () => {
  const nobody = await givenPerson(server, null)
  expectError(await create({ name: 'x' }, nobody), 'FORBIDDEN')
  const answer = await send('{ projects { totalCount } }', {}, nobody)
  expectError(answer, 'FORBIDDEN')
  expectError(await server.send('{ projects { totalCount } }'), 'UNAUTHENTICATED', 'MISSING')
})
