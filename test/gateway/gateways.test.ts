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
import { sql } from '../paging/rows.ts'
import { rounds } from '../rounds.ts'

let server: TestServer
let admin: Person
let stranger: Person
let project: string
beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server)
  stranger = await givenPerson(server, 'Other')
  project = await givenProject(server, admin)
})
afterAll(async () => server.close())

const FIELDS = 'id name createdAt updatedAt project { id }'
const send = (query: string, variables: Record<string, unknown> = {}, person: { token: string } = admin) =>
  server.send(query, { token: person.token, variables })
const create = (input: Record<string, unknown>, person?: { token: string }) =>
  send(
    `mutation ($input: CreateGatewayInput!) { createGateway(input: $input) { gateway { ${FIELDS} } } }`,
    { input },
    person,
  )
const update = (input: Record<string, unknown>, person?: { token: string }) =>
  send(
    `mutation ($input: UpdateGatewayInput!) { updateGateway(input: $input) { gateway { ${FIELDS} } } }`,
    { input },
    person,
  )
const remove = (id: unknown, person?: { token: string }) =>
  send(`mutation ($id: ID!) { deleteGateway(input: { id: $id }) { gateway { ${FIELDS} } } }`, { id }, person)
const read = (id: unknown, person?: { token: string }) =>
  send(`query ($id: ID!) { gateway(id: $id) { ${FIELDS} } }`, { id }, person)
const listed = async (filter: Record<string, unknown> | null, person?: { token: string }) => {
  const answer = await send(
    'query ($filter: GatewayFilter) { gateways(filter: $filter) { totalCount nodes { name } } }',
    { filter },
    person,
  )
  expect(answer.errors).toEqual([])
  expect(answer.data.gateways.totalCount).toBe(answer.data.gateways.nodes.length)
  return answer.data.gateways.nodes.map((node: { name: string }) => node.name) as string[]
}
const idsThatNobodyHas = () => [randomUUID(), '', '1', `{${randomUUID()}}`]

test('a gateway that was created is read back by id, in lists and under its project', async () => {
  const person = await givenPerson(server)
  const projectId = await givenProject(server, person)
  const created = (await create({ projectId, name: ' Edge ' }, person)).data.createGateway.gateway
  expect(created).toMatchObject({ name: 'Edge', project: { id: projectId } })
  expect((await read(created.id, person)).data.gateway).toEqual(created)
  const { data, errors } = await send(
    `{ gateways { nodes { ${FIELDS} } } projects(first: 5) { nodes { gateways(first: 5) { totalCount nodes { ${FIELDS} } } } } }`,
    {},
    person,
  )
  expect(errors).toEqual([])
  expect(data.gateways.nodes).toEqual([created])
  expect(data.projects.nodes).toEqual([{ gateways: { totalCount: 1, nodes: [created] } }])
})

test('a name is needed, and has 200 code points at most', async () => {
  expect((await create({ projectId: project, name: '🦊'.repeat(200) })).errors).toEqual([])
  for (const name of ['', ' ', '🦊'.repeat(201)]) {
    const answer = await create({ projectId: project, name })
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', 'name'])
  }
})

test('a change leaves alone what it leaves out, and nothing can be cleared', async () => {
  const id = await givenGateway(server, admin, project, 'Edge')
  expect((await update({ id })).data.updateGateway.gateway).toMatchObject({ name: 'Edge', project: { id: project } })
  expect((await update({ id, name: 'Core' })).data.updateGateway.gateway).toMatchObject({
    name: 'Core',
    project: { id: project },
  })
  for (const field of ['name', 'projectId']) {
    const answer = await update({ id, [field]: null })
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', field])
  }
  expect((await read(id)).data.gateway).toMatchObject({ name: 'Core', project: { id: project } })
})

test('a gateway moves to another project of the organization, and to nowhere else', async () => {
  const target = await givenProject(server, admin, 'Target')
  const deleted = await givenProject(server, admin, 'Deleted')
  await send('mutation ($id: ID!) { deleteProject(input: { id: $id }) { project { id } } }', { id: deleted })
  const id = await givenGateway(server, admin, project, 'Mover')
  const foreign = await givenProject(server, stranger)
  for (const projectId of [foreign, deleted, ...idsThatNobodyHas()]) {
    expectError(await update({ id, projectId, name: 'Lost' }), 'NOT_FOUND')
  }
  expect((await read(id)).data.gateway).toMatchObject({ name: 'Mover', project: { id: project } })
  const moved = await send(
    `mutation ($input: UpdateGatewayInput!) {
      updateGateway(input: $input) { gateway { project { id gateways { nodes { id } } } } }
    }`,
    { input: { id, projectId: target } },
  )
  expect(moved.data.updateGateway.gateway.project).toEqual({ id: target, gateways: { nodes: [{ id }] } })
  expect(await listed({ projectId: target })).toEqual(['Mover'])
  expect(await listed({ projectId: project, nameContains: 'Mover' })).toEqual([])
})

test('a deleted gateway is gone from everywhere, and its row stays', async () => {
  const id = await givenGateway(server, admin, project, 'Doomed')
  expect((await remove(id)).data.deleteGateway.gateway).toMatchObject({ id, name: 'Doomed', project: { id: project } })
  expect((await read(id)).data).toEqual({ gateway: null })
  expect(await listed({ nameContains: 'Doomed' })).toEqual([])
  const nested = await send('query ($id: ID!) { project(id: $id) { gateways(last: 100) { nodes { id } } } }', {
    id: project,
  })
  expect(nested.data.project.gateways.nodes).not.toContainEqual({ id })
  expectError(await remove(id), 'NOT_FOUND')
  expectError(await update({ id, name: 'Back' }), 'NOT_FOUND')
  expect(
    await sql(server, admin.organizationId, 'select id from gateways where id = ? and deleted_at is not null', [id]),
  ).toEqual([{ id }])
})

test('an id that is unknown, foreign or none at all is answered alike', async () => {
  const foreign = await givenGateway(server, stranger, await givenProject(server, stranger), 'Foreign')
  const foreignProject = await givenProject(server, stranger)
  for (const id of [foreign, ...idsThatNobodyHas()]) {
    const answer = await read(id)
    expect([answer.status, answer.errors, answer.data]).toEqual([200, [], { gateway: null }])
    expectError(await update({ id, name: 'Mine' }), 'NOT_FOUND')
    expectError(await update({ id, projectId: project }), 'NOT_FOUND')
    expectError(await remove(id), 'NOT_FOUND')
  }
  for (const projectId of [foreignProject, ...idsThatNobodyHas()]) {
    expectError(await create({ projectId, name: 'Mine' }), 'NOT_FOUND')
    expect(await listed({ projectId })).toEqual([])
  }
  expect((await read(foreign, stranger)).data.gateway.name).toBe('Foreign')
  expect(await listed({ projectId: foreignProject }, stranger)).toEqual([])
})

test('filters work alone and together', async () => {
  const person = await givenPerson(server)
  const [one, two] = [await givenProject(server, person, 'One'), await givenProject(server, person, 'Two')]
  for (const [projectId, name] of [
    [one, 'a%1'],
    [one, 'b_1'],
    [two, 'a%2'],
    [two, 'axx2'],
  ] as const) {
    await givenGateway(server, person, projectId, name)
  }
  expect(await listed(null, person)).toEqual(['a%1', 'b_1', 'a%2', 'axx2'])
  expect(await listed({ projectId: two }, person)).toEqual(['a%2', 'axx2'])
  expect(await listed({ projectId: two.toUpperCase(), nameContains: '%' }, person)).toEqual(['a%2'])
  expect(await listed({ nameContains: 'A%' }, person)).toEqual(['a%1', 'a%2'])
  expect(await listed({ nameContains: '', projectId: null }, person)).toHaveLength(4)
  expect(await listed({ projectId: 'no id' }, person)).toEqual([])
})

test('under a project, a page that is none fails no other', async () => {
  const person = await givenPerson(server)
  await givenGateway(server, person, await givenProject(server, person), 'the one')
  const query =
    '{ projects(first: 1) { nodes { good: gateways(first: 1) { nodes { name } } bad: gateways(first: 1, after: "none") { nodes { name } } } } }'
  const answer = await server.send(query, { token: person.token })
  expectError(answer, 'BAD_USER_INPUT')
  expect(answer.errors[0]?.path).toEqual(['projects', 'nodes', 0, 'bad'])
})

test('a DEVELOPER writes gateways, a VIEWER only reads them and is told what is missing', async () => {
  const developer = await givenMember(server, admin, 'DEVELOPER')
  const viewer = await givenMember(server, admin, 'VIEWER')
  const { id } = (await create({ projectId: project, name: 'By a developer' }, developer)).data.createGateway.gateway
  expect((await update({ id, name: 'Changed' }, developer)).errors).toEqual([])
  expect((await read(id, viewer)).data.gateway.name).toBe('Changed')
  for (const answer of [
    await create({ projectId: project, name: 'x' }, viewer),
    await update({ id, name: 'x' }, viewer),
    await remove(id, viewer),
  ]) {
    expectError(answer, 'FORBIDDEN')
    expect(answer.errors[0]?.extensions).toMatchObject({ required: ['write:gateways'], missing: ['write:gateways'] })
  }
  expect((await remove(id, developer)).errors).toEqual([])
  expectError(await create({ projectId: project, name: 'x' }, await givenPerson(server, null)), 'FORBIDDEN')
})

const liveOfDeleted = (organizationId: string) =>
  sql(
    server,
    organizationId,
    `select g.id from gateways g join projects p on p.id = g.project_id
     where p.deleted_at is not null and g.deleted_at is null`,
  )

test('a project deleted while gateways are created in it or moved to and from it leaves none alive', async () => {
  const person = await givenPerson(server)
  const home = await givenProject(server, person, 'Home')
  const deletion = 'mutation ($id: ID!) { deleteProject(input: { id: $id }) { project { id } } }'
  const codes = new Set<string>()
  for (let round = 0; round < rounds(50); round += 1) {
    const doomed = await givenProject(server, person, `Doomed ${round}`)
    const [movedIn, movedOut] = await Promise.all([
      givenGateway(server, person, home),
      givenGateway(server, person, doomed),
    ])
    const answers = await Promise.all([
      create({ projectId: doomed, name: 'first' }, person),
      update({ id: movedIn, projectId: doomed }, person),
      send(deletion, { id: doomed }, person),
      update({ id: movedOut, projectId: home }, person),
      create({ projectId: doomed, name: 'second' }, person),
      send(deletion, { id: doomed }, person),
    ])
    expect([answers[2].errors.length + answers[5].errors.length]).toEqual([1])
    for (const { errors } of answers) for (const { extensions } of errors) codes.add(extensions.code)
  }
  expect([...codes]).toEqual(['NOT_FOUND'])
  expect(await liveOfDeleted(person.organizationId)).toEqual([])
}, 180_000)
