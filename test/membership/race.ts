import { givenMember, givenPerson, type Answer, type Person, type TestServer } from '../harness.ts'
import { sql } from '../paging/rows.ts'

export type Member = Awaited<ReturnType<typeof givenMember>>

const MUTATIONS = {
  add: 'mutation ($input: AddMemberInput!) { addMember(input: $input) { membership { id role } } }',
  change: 'mutation ($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { membership { id role } } }',
  remove: 'mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { membership { id role } } }',
  leave: 'mutation { leaveOrganization { organization { id } } }',
}

/** Sends a membership mutation. */
export function mutate(
  server: TestServer,
  token: string,
  what: keyof typeof MUTATIONS,
  input?: Record<string, unknown>,
  headers?: Record<string, string>,
): Promise<Answer> {
  return server.send(MUTATIONS[what], { token, variables: { ...(input && { input }) }, ...(headers && { headers }) })
}

/** The error codes and reasons of an answer, in one word each. */
export const outcomeOf = ({ errors }: Answer): string =>
  errors.map(({ extensions }) => [extensions.code, extensions.reason].filter(Boolean).join('/')).join() || 'done'

export interface Admin {
  token: string
  membershipId: string
}

/** People who are all ADMINs of one organization. */
export async function givenAdmins(server: TestServer, count: number): Promise<Person[]> {
  const founder = await givenPerson(server)
  const others = await Promise.all(Array.from({ length: count - 1 }, () => givenMember(server, founder, 'ADMIN')))
  return [founder, ...others]
}

/** Everybody an ADMIN of the organization with a token that says so, whatever the round before has left. */
export async function reinstate(server: TestServer, people: readonly Person[]): Promise<Admin[]> {
  const organizationId = people[0]!.organizationId
  const values = people.map(() => "(gen_random_uuid(), ?, ?, 'ADMIN')").join(', ')
  await sql(
    server,
    organizationId,
    `insert into memberships (id, organization_id, user_id, role) values ${values}
     on conflict (organization_id, user_id) do update set role = 'ADMIN', version = memberships.version + 1`,
    people.flatMap((person) => [organizationId, person.userId]),
  )
  return Promise.all(
    people.map(async (person) => {
      const { data } = await server.send(
        `mutation ($input: LoginInput!) { login(input: $input) { accessToken user { memberships { id organization { id } } } } }`,
        { variables: { input: { email: person.email, password: person.password, organizationId } } },
      )
      const own = data.login.user.memberships.find(({ organization }: any) => organization.id === organizationId)
      return { token: data.login.accessToken as string, membershipId: own.id as string }
    }),
  )
}

export async function adminsOf(server: TestServer, organizationId: string): Promise<number> {
  const [row] = await sql<{ admins: number }>(
    server,
    organizationId,
    "select count(*)::int as admins from memberships where role = 'ADMIN'",
  )
  return row?.admins ?? 0
}
