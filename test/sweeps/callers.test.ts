import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenMember, givenPerson, type Person } from '../harness.ts'
import { operations, type Operation } from './given-sweep.ts'
import { ask, givenTwoOrganizations, verdictOf, type Sweeping } from './given-two-organizations.ts'

let sweeping: Sweeping

beforeAll(async () => {
  sweeping = await givenTwoOrganizations()
})
afterAll(() => sweeping?.close())

const isPublic = ({ field }: Operation) =>
  field.astNode?.directives?.some((directive) => directive.name.value === 'public') ?? false
const guarded = operations().filter((operation) => !isPublic(operation))

test.each(guarded.map((operation) => [operation.coordinate, operation] as const))(
  '%s is refused to an anonymous caller, whole',
  async (_, operation) => {
    const answer = await ask(sweeping.server, operation)
    expect(answer.status).toBe(401)
    expect(verdictOf(answer)).toBe('UNAUTHENTICATED')
    expect(answer.data ?? null).toBeNull()
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  },
)

const callers: Record<string, () => Promise<Person | null>> = {
  anonymous: async () => null,
  'no organization': () => givenPerson(sweeping.server, null),
  VIEWER: () => givenMember(sweeping.server, sweeping.ours.admin, 'VIEWER'),
  DEVELOPER: () => givenMember(sweeping.server, sweeping.ours.admin, 'DEVELOPER'),
  ADMIN: () => givenMember(sweeping.server, sweeping.ours.admin, 'ADMIN'),
}

/** Whether the caller is still who they were: some operations end the session, the membership or the organization. */
async function isStill(caller: Person, name: string): Promise<boolean> {
  const { data } = await sweeping.server.send('{ principal { role organization { id } } }', { token: caller.token })
  return name === 'no organization'
    ? data?.principal !== undefined && data.principal.organization === null
    : data?.principal?.role === name
}

test('who may call what, with inputs that name nothing that is there', async () => {
  const held = new Map<string, Person>()
  const table: string[] = []
  for (const operation of operations()) {
    const verdicts: string[] = []
    for (const [name, make] of Object.entries(callers)) {
      const caller = held.get(name) ?? (await make())
      // Shallow: what is asked is the operation itself, not everything that can be seen beyond it.
      const answer = await ask(sweeping.server, operation, { token: caller?.token ?? null, levels: 1 })
      verdicts.push(`${name}: ${verdictOf(answer)}`)
      if (caller && (operation.kind === 'query' || (await isStill(caller, name)))) held.set(name, caller)
      else held.delete(name)
    }
    table.push(`${operation.coordinate} | ${verdicts.join(' | ')}`)
  }
  expect(table.join('\n')).toMatchSnapshot()
})
