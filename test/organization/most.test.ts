import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { login } from '../session/given-sessions.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ settings: { MAX_ORGANIZATIONS_PER_USER: '2' } })
})
afterAll(() => server.close())

const create = ({ token }: Person, name: string) =>
  server.send(
    'mutation ($name: String!) { createOrganization(input: { name: $name }) { organization { id slug name } } }',
    { token, variables: { name } },
  )
const add = (admin: Person, { email }: Person) =>
  server.send(
    'mutation ($email: EmailAddress!) { addMember(input: { email: $email, role: VIEWER }) { membership { id } } }',
    { token: admin.token, variables: { email } },
  )
const namesOf = async ({ token }: Person) => {
  const query = '{ me { a: memberships { organization { name } } b: memberships { organization { name } } } }'
  const { a, b } = (await server.send(query, { token })).data.me as Record<string, { organization: { name: string } }[]>
  expect(a).toEqual(b)
  return a?.map(({ organization }) => organization.name)
}

test('nobody makes more organizations than they can be a member of, nor is made a member of more', async () => {
  const [person, admin] = [await givenPerson(server, 'first'), await givenPerson(server)]
  expect((await create(person, 'second')).errors).toEqual([])
  const refused = await create(person, 'third')
  expectError(refused, 'CONFLICT', 'TOO_MANY_ORGANIZATIONS')
  expect(refused.errors[0]?.message).toBe('Nobody can be a member of more than 2 organizations')
  expectError(await add(admin, person), 'CONFLICT', 'TOO_MANY_ORGANIZATIONS')
  expect(await namesOf(person)).toEqual(['first', 'second'])
})

test('one that is deleted leaves room for another', async () => {
  const person = await givenPerson(server, 'to be deleted')
  expect((await create(person, 'that stays')).errors).toEqual([])
  const confirm = 'mutation { deleteOrganization(input: { confirmSlug: "to-be-deleted" }) { organization { id } } }'
  expect((await server.send(confirm, { token: person.token })).errors).toEqual([])
  const answer = await login(server, person)
  expect(answer.data).toBeNull()
  const { email, password } = person
  const again = (await login(server, { email, password })).data.login
  const signedIn = { ...person, token: again.accessToken as string }
  expect((await create(signedIn, 'that comes')).errors).toEqual([])
  expect(await namesOf(signedIn)).toEqual(['that stays', 'that comes'])
})

test('of all organizations, signing in reads those of the person alone', async () => {
  const person = await givenPerson(server)
  const logged = jest.spyOn(server.app.services.database.orm.config.getLogger(), 'logQuery')
  expect((await login(server, person)).errors).toEqual([])
  const reads = logged.mock.calls
    .map(([{ query = '' }]) => query)
    .filter((query) => query.includes('from "organizations"'))
  logged.mockRestore()
  expect(reads.length).toBeGreaterThan(0)
  expect(reads.filter((query) => !/"id" (in|=) /.test(query))).toEqual([])
})
