import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { asyncProperty, constantFrom, nat } from 'fast-check'
import { PASSWORD, type Person } from '../harness.ts'
import { property } from '../property.ts'
import { argumentsWith, Bare, documentWith, fieldsWithInputs, placesOf, type Known } from './given-inputs.ts'
import { hostility, valueFor, type Hostility } from './hostile-json.ts'
import type { Form } from './given-secrets.ts'
import { furnish, givenTwoOrganizations, type Sweeping } from './given-two-organizations.ts'

/** Longer than any answer may take: the server's own limit is shorter. */
const HANGS_AFTER_MS = 90_000

/** How many values one caller sends: some of them suspend, sign out or lock out whoever sends them. */
const VALUES_A_CALLER = 40

let sweeping: Sweeping

beforeAll(async () => {
  sweeping = await givenTwoOrganizations()
})
afterAll(() => sweeping?.close())

/** An administrator who is an operator too: whatever is asked gets as far as its inputs. */
async function givenCaller(): Promise<{ token: string; known: Known }> {
  const { server, owner } = sweeping
  const { admin, ids } = await furnish(server, owner, 'Ours')
  await owner.asOwner('update users set is_superuser = true where id = $1', [admin.userId])
  const token = await signIn(admin)
  const login = { 'Mutation.login email': admin.email, 'Mutation.login password': PASSWORD }
  return { token, known: { ids, inputs: { ...login, 'Mutation.changePassword currentPassword': PASSWORD } } }
}

async function signIn({ email, organizationId }: Person): Promise<string> {
  const { data, errors } = await sweeping.server.send(
    'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }',
    { variables: { input: { email, password: PASSWORD, organizationId } } },
  )
  expect(errors).toEqual([])
  return data.login.accessToken as string
}

let caller: { token: string; known: Known } | null = null
let sent = 0

async function currentCaller() {
  if (caller === null || sent % VALUES_A_CALLER === 0) caller = await givenCaller()
  sent += 1
  return caller
}

/** Stands in the body where the hostile text is to be. */
const HERE = '@here@'

async function post(body: string, token: string): Promise<{ status: number; codes: unknown[]; text: string }> {
  const response = await fetch(`${sweeping.server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
    signal: AbortSignal.timeout(HANGS_AFTER_MS),
  })
  const text = await response.text()
  const { errors = [] } = JSON.parse(text) as { errors?: { extensions?: { code?: unknown } }[] }
  return { status: response.status, codes: errors.map(({ extensions }) => extensions?.code), text }
}

const everywhere = fieldsWithInputs().flatMap((operation) => placesOf(operation).map((place) => ({ operation, place })))
const codesTold = new Map<string, number>()

/** The body of a request in which the hostile value stands at the place, and all else is in order. */
function bodyWith(
  { operation, place }: (typeof everywhere)[number],
  hostile: Hostility,
  form: Form,
  known: Known,
): string {
  const value = valueFor(place.type, hostile)
  const given = argumentsWith(operation, place, form === 'literal' ? new Bare(HERE) : HERE, known)
  const body = JSON.stringify(documentWith(operation, [given], form))
  return form === 'literal'
    ? body.replace(HERE, () => JSON.stringify(value.literal).slice(1, -1))
    : body.replace(JSON.stringify(HERE), () => value.json)
}

property('no JSON where an input belongs makes the server fail', 250, () =>
  asyncProperty(
    nat(everywhere.length - 1),
    hostility,
    constantFrom<Form>('variable', 'literal'),
    async (index, hostile, form) => {
      const { token, known } = await currentCaller()
      const at = everywhere[index]!
      const { status, codes, text } = await post(bodyWith(at, hostile, form, known), token)
      for (const code of codes.length > 0 ? codes : ['none']) {
        codesTold.set(String(code), (codesTold.get(String(code)) ?? 0) + 1)
      }
      const hasFailed = status >= 500 || codes.includes('INTERNAL_SERVER_ERROR') || codes.includes(undefined)
      const { coordinate } = at.place
      expect({ coordinate, failure: hasFailed ? text : null }).toEqual({ coordinate, failure: null })
    },
  ),
)

test('what was sent got as far as the inputs', () => {
  const refused = (codesTold.get('UNAUTHENTICATED') ?? 0) + (codesTold.get('FORBIDDEN') ?? 0)
  expect({ codesTold, isMostlyAllowed: refused <= sent * 0.2 }).toEqual({ codesTold, isMostlyAllowed: true })
})

test('the server is up, and in order', async () => {
  const response = await fetch(`${sweeping.server.url}/health/ready`)
  expect(response.status).toBe(200)
})
