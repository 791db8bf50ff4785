import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  expectError,
  givenMember,
  givenPerson,
  givenProject,
  PASSWORD,
  startServer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { sql } from '../paging/rows.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => server.close())

const FIELDS = 'id name slug requiresTenantApiKey suspendedAt createdAt'
const CURRENT = `{ organization { ${FIELDS} } }`
const send = (person: { token: string }, query: string, variables: Record<string, unknown> = {}, headers = {}) =>
  server.send(query, { token: person.token, variables, headers })
const create = (person: { token: string }, name: unknown) =>
  send(
    person,
    `mutation ($name: String!) { createOrganization(input: { name: $name }) { organization { ${FIELDS} } } }`,
    { name },
  )
const update = (person: { token: string }, input: Record<string, unknown>, headers = {}) =>
  send(
    person,
    `mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { organization { ${FIELDS} } } }`,
    { input },
    headers,
  )
const remove = (person: { token: string }, confirmSlug: string, headers = {}) =>
  send(
    person,
    'mutation ($s: String!) { deleteOrganization(input: { confirmSlug: $s }) { organization { id slug } } }',
    { s: confirmSlug },
    headers,
  )
const login = (person: Person) =>
  server.send('mutation ($input: LoginInput!) { login(input: $input) { accessToken organization { id } } }', {
    variables: { input: { email: person.email, password: PASSWORD } },
  })

test('a new organization has its creator as ADMIN, and the current organization stays what it is', async () => {
  const person = await givenPerson(server, 'First')
  const { data, errors } = await create(person, ' Second ')
  expect(errors).toEqual([])
  const second = data.createOrganization.organization
  expect(second).toMatchObject({ name: 'Second', requiresTenantApiKey: false, suspendedAt: null })
  const current = await send(person, '{ organization { id } me { memberships { role organization { id } } } }')
  expect(current.data.organization.id).toBe(person.organizationId)
  expect(current.data.me.memberships).toEqual([
    { role: 'ADMIN', organization: { id: person.organizationId } },
    { role: 'ADMIN', organization: { id: second.id } },
  ])
  const there = await send(person, '{ principal { role } organization { id } }', {}, { 'x-tenant-id': second.id })
  expect(there.data).toEqual({ principal: { role: 'ADMIN' }, organization: { id: second.id } })
})

test('somebody without an organization makes one', async () => {
  const person = await givenPerson(server, null)
  expect((await send(person, CURRENT)).data).toEqual({ organization: null })
  expect((await create(person, 'At last')).errors).toEqual([])
  expect((await login(person)).data.login.organization).not.toBeNull()
})

test('the members of another own organization are not those of the current one, and are not shown', async () => {
  const person = await givenPerson(server)
  await givenMember(server, person, 'VIEWER')
  const created = await send(
    person,
    'mutation { createOrganization(input: { name: "Mine too" }) { organization { id members { totalCount nodes { id } } } } }',
  )
  expectError(created, 'FORBIDDEN', 'NOT_THE_CURRENT_ORGANIZATION')
  expect(created.data.createOrganization.organization).toEqual({ id: expect.any(String), members: null })
  const listed = await send(person, '{ me { memberships { organization { id members(first: 1) { totalCount } } } } }')
  expectError(listed, 'FORBIDDEN', 'NOT_THE_CURRENT_ORGANIZATION')
  expect(listed.data.me.memberships).toEqual([
    { organization: { id: person.organizationId, members: { totalCount: 2 } } },
    { organization: { id: created.data.createOrganization.organization.id, members: null } },
  ])
})

test('an ADMIN changes the name and the setting; what is left out stays, null is refused, the slug is for ever', async () => {
  const person = await givenPerson(server)
  const changed = await update(person, { name: ' Renamed ' })
  expect(changed.data.updateOrganization.organization).toMatchObject({
    name: 'Renamed',
    slug: person.organizationSlug,
    requiresTenantApiKey: false,
  })
  for (const input of [{ name: null }, { requiresTenantApiKey: null }, { name: ' ' }, { name: 'x'.repeat(201) }]) {
    const answer = await update(person, input)
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', Object.keys(input)[0]])
  }
  expect((await send(person, CURRENT)).data.organization).toMatchObject({
    name: 'Renamed',
    requiresTenantApiKey: false,
  })
  const set = await update(person, { requiresTenantApiKey: true })
  expect(set.data.updateOrganization.organization).toMatchObject({ name: 'Renamed', requiresTenantApiKey: true })
})

test('below ADMIN nobody changes or deletes the organization, and an ADMIN elsewhere does not either', async () => {
  const admin = await givenPerson(server)
  const elsewhere = await givenPerson(server, 'Elsewhere')
  for (const role of ['VIEWER', 'DEVELOPER'] as const) {
    const member = await givenMember(server, admin, role)
    expectError(await update(member, { name: 'Mine' }), 'FORBIDDEN')
    expectError(await remove(member, admin.organizationSlug), 'FORBIDDEN')
  }
  expectError(
    await update(elsewhere, { name: 'Mine' }, { 'x-tenant-id': admin.organizationId }),
    'FORBIDDEN',
    'NOT_A_MEMBER',
  )
  expectError(await remove(elsewhere, admin.organizationSlug), 'BAD_USER_INPUT')
  expectError(await remove(await givenPerson(server, null), admin.organizationSlug), 'FORBIDDEN')
  expect((await send(admin, CURRENT)).data.organization.name).toBe('Acme')
})

test('an organization is deleted by its slug alone, and nothing of it answers any more', async () => {
  const admin = await givenPerson(server, 'Doomed')
  const member = await givenMember(server, admin, 'DEVELOPER')
  await givenProject(server, admin)
  const other = (await create(admin, 'Other')).data.createOrganization.organization
  for (const slug of [
    '',
    admin.organizationId,
    admin.organizationSlug.toUpperCase(),
    ` ${admin.organizationSlug}`,
    other.slug,
  ]) {
    const answer = await remove(admin, slug)
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', 'confirmSlug'])
  }
  const deleted = await remove(admin, admin.organizationSlug)
  expect(deleted.data.deleteOrganization.organization).toEqual({
    id: admin.organizationId,
    slug: admin.organizationSlug,
  })

  for (const { token } of [admin, member]) {
    expectError(await server.send('{ me { id } }', { token }), 'UNAUTHENTICATED', 'REVOKED')
  }
  const again = await login(admin)
  expect(again.data.login.organization).toEqual({ id: other.id })
  expect((await login(member)).data.login.organization).toBeNull()
  const fresh = { token: again.data.login.accessToken as string }
  const { data } = await send(fresh, '{ me { memberships { organization { id } } } projects { totalCount } }')
  expect(data).toEqual({ me: { memberships: [{ organization: { id: other.id } }] }, projects: { totalCount: 0 } })
  expectError(await send(fresh, CURRENT, {}, { 'x-tenant-id': admin.organizationId }), 'FORBIDDEN', 'NOT_A_MEMBER')
  expectError(
    await send(fresh, 'mutation ($id: ID!) { switchOrganization(input: { organizationId: $id }) { accessToken } }', {
      id: admin.organizationId,
    }),
    'FORBIDDEN',
    'NOT_A_MEMBER',
  )
  const refreshed = await server.send(
    'mutation ($t: String!) { refresh(input: { refreshToken: $t }) { organization { id } } }',
    {
      variables: { t: member.refreshToken },
    },
  )
  expect(refreshed.data?.refresh.organization ?? null).toBeNull()
  const successor = await create(fresh, 'Doomed')
  expect(successor.data.createOrganization.organization.slug).not.toBe(admin.organizationSlug)
  const [row] = await sql(
    server,
    null,
    'select name, deleted_at is not null as deleted from organizations where id = ?',
    [admin.organizationId],
  )
  expect(row).toEqual({ name: 'Doomed', deleted: true })
})

test('of two deletions at once one succeeds, and the other has no organization any more', async () => {
  const admin = await givenPerson(server)
  const answers = await Promise.all([1, 2, 3].map(() => remove(admin, admin.organizationSlug)))
  expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
  for (const { errors } of answers.filter(({ errors }) => errors.length > 0)) {
    expect(errors.map(({ extensions }) => extensions.code)).toEqual([
      expect.stringMatching(/^(NOT_FOUND|UNAUTHENTICATED)$/),
    ])
  }
})
