import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { change, givenApiKey, ROTATE, sendWithKey } from '../api-key/given-api-key.ts'
import { givenMember, givenPerson, PASSWORD, type Answer, type Sending } from '../harness.ts'
import { sendForm } from '../oauth/given-oauth.ts'
import { givenOperator } from '../platform/given-operator.ts'
import {
  argumentsWith,
  documentWith,
  fieldsWithInputs,
  inputCoordinates,
  placesOf,
  type Known,
  type Place,
} from './given-inputs.ts'
import { castsAt, createMarks, homesOf, isCredential, ways, type Cast } from './given-secrets.ts'
import { encoded, names, surroundings, type Sent } from './given-surroundings.ts'
import type { Operation } from './given-sweep.ts'
import { createTraces, type Traces } from './given-traces.ts'
import { givenTwoOrganizations, type Sweeping } from './given-two-organizations.ts'

let sweeping: Sweeping
let traces: Traces
const marks = createMarks()

beforeAll(async () => {
  sweeping = await givenTwoOrganizations()
  const { server, owner } = sweeping
  traces = createTraces(server, owner, marks)
  const { tokens, passwords, apiKeys } = server.app.services.config
  traces.secret('JWT_SECRET', tokens.secret!)
  traces.secret('PASSWORD_PEPPER', passwords.pepper!)
  traces.secret('API_KEY_HASH_KEY', apiKeys.hashKey!)
  traces.secret('a password', PASSWORD)
})
afterAll(() => sweeping?.close())

async function send(query: string, sending: Sending): Promise<Answer> {
  const answer = await sweeping.server.send(query, sending)
  traces.keep(answer)
  return answer
}

/** Sends what may be no GraphQL request at all. */
async function sendRaw({ path = '/graphql', init }: Sent, token?: string): Promise<void> {
  const authorization = token && { authorization: `Bearer ${token}` }
  const headers = { ...authorization, ...(init.headers as Record<string, string>) }
  const response = await fetch(sweeping.server.url + path, { ...init, headers })
  const text = await response.text()
  const { data, errors } = text.startsWith('{"') ? (JSON.parse(text) as Answer) : { data: null, errors: null }
  traces.keep({ headers: response.headers, data, errors: errors ?? ([{ message: text }] as Answer['errors']) })
}

/** Somebody who calls, with what there is to be named so that an operation gets as far as its inputs. */
interface Caller {
  sending: Sending
  known: Known
}

const knowing = (ids: Known['ids'], email = 'nobody@example.test'): Known => {
  const login = { 'Mutation.login email': email, 'Mutation.login password': PASSWORD }
  return { ids, inputs: { ...login, 'Mutation.changePassword newPassword': 'another good password 8' } }
}

const callers: Record<string, () => Promise<Caller>> = {
  anybody: async () => ({ sending: {}, known: knowing(sweeping.ours.ids) }),
  'an ADMIN': async () => {
    const { token, email } = await givenMember(sweeping.server, sweeping.ours.admin, 'ADMIN')
    return { sending: { token }, known: knowing(sweeping.ours.ids, email) }
  },
  'an operator': async () => {
    const { token, email } = await givenOperator(sweeping.server)
    // What an operator suspends is not what the others work in.
    return { sending: { token }, known: knowing(sweeping.theirs.ids, email) }
  },
  'an API key': async () => {
    const { secret } = await givenApiKey(sweeping.server, sweeping.ours.admin)
    traces.secret('an API key', secret)
    return { sending: { headers: { 'x-api-key': secret } }, known: knowing(sweeping.ours.ids) }
  },
}

/** Codes that would mean that the sweep did not get as far as the input. */
const NOT_ASKED = /OPERATION_TOO_LARGE|BAD_REQUEST|RATE_LIMITED|TIMEOUT|PARSE|RESOLUTION|INTERNAL/
const REFUSALS = new Set(['MISSING', 'WRONG_KIND', 'INSUFFICIENT_ROLE', 'INSUFFICIENT_SCOPE'])

/** Whether somebody may not do a thing at all, whatever they put into it. */
const isRefused = ({ data, errors }: Answer) =>
  !data && errors.every(({ extensions }) => REFUSALS.has(String(extensions.reason)))

const hasEnded = ({ errors }: Answer) => errors.some(({ path, extensions }) => !path && extensions.reason === 'REVOKED')

function inBatches<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = []
  for (let at = 0; at < items.length; at += size) batches.push(items.slice(at, at + size))
  return batches
}

/** Sends every input of an operation a secret in every way. */
async function sweep(operation: Operation, name: string, caller: Caller): Promise<Caller> {
  const casts = placesOf(operation).flatMap((place) => castsAt(place).map((cast) => ({ ...cast, place })))
  let current = caller
  for (const [kind, some] of Map.groupBy(casts, (cast) => cast.kind)) {
    const ask = async (batch: typeof some): Promise<Answer> => {
      const calls = batch.map((cast) => argumentsOf(operation, cast, name, current.known))
      const { query, variables } = documentWith(operation, calls, batch[0]!.form)
      const answer = await send(query, { ...current.sending, variables })
      expect(answer.errors.filter(({ extensions }) => NOT_ASKED.test(String(extensions.code)))).toEqual([])
      if (!hasEnded(answer)) return answer
      // What was asked for before has ended what the caller calls with.
      current = await callers[name]!()
      return ask(batch)
    }
    // The first mutation that fails ends its operation: only what is refused as a whole is asked for several times in one.
    const together = operation.kind === 'query' || !kind.startsWith('fits') || isRefused(await ask(some.splice(0, 1)))
    for (const batch of inBatches(some, together ? 8 : 1)) await ask(batch)
  }
  return current
}

function argumentsOf(operation: Operation, { place, way, form }: Cast & { place: Place }, by: string, known: Known) {
  const homes = isCredential(place) ? [] : ['data', ...homesOf(place)]
  const mark = marks.make(`${place.coordinate} of ${operation.coordinate}, ${way}, as a ${form}, by ${by}`, homes)
  return argumentsWith(operation, place, ways[way]!.value(mark, place.type), known)
}

test('the sweep gets to every argument and input field of the schema', () => {
  const reached = fieldsWithInputs().flatMap((operation) => placesOf(operation).map(({ coordinate }) => coordinate))
  expect([...new Set(reached)].sort()).toEqual(inputCoordinates())
})

test.each(Object.entries(callers))(
  'what %s puts into any input is looked at',
  async (name, make) => {
    let caller = await make()
    for (const operation of fieldsWithInputs()) caller = await sweep(operation, name, caller)
  },
  180_000,
)

test('what fits an input is taken, and is where it belongs', async () => {
  const homes = fieldsWithInputs().flatMap((operation) => placesOf(operation).flatMap(homesOf))
  expect(await traces.homesReached()).toEqual([...new Set(homes)].sort())
})

test('what stands in a request around its inputs is looked at', async () => {
  const { token } = sweeping.ours.admin
  for (const [place, sent] of Object.entries(surroundings)) {
    for (const as of [undefined, token]) {
      const secret = marks.make(place)
      traces.secret(place, encoded(secret))
      await sendRaw(sent(secret), as)
    }
  }
  for (const [kind, { query, homes }] of Object.entries(names)) {
    for (const as of [null, token]) await send(query(marks.make(`the name of: ${kind}`, homes)), { token: as })
  }
  const homes = ['log requestId', 'header x-request-id', 'audit_events.request_id']
  await sendRaw(surroundings['a path']!(marks.make('X-Request-Id', homes)))
})

test('a credential is looked at wherever it is put', async () => {
  const { server, ours } = sweeping
  const person = await givenPerson(server)
  const key = await givenApiKey(server, ours.admin)
  const rotated = await change(server, ours.admin, ROTATE, { id: key.id })
  const obtained = await sendForm(server, '/oauth/token', { grant_type: 'client_credentials' }, { client: key })
  const ofKey = obtained.body.access_token as string
  const credentials = [person.token, person.refreshToken, key.secret, rotated.secret, ofKey, PASSWORD]
  for (const credential of credentials) {
    traces.secret('a real credential', credential)
    traces.secret("a real credential's end", credential.slice(-20))
    for (const sent of Object.values(surroundings)) await sendRaw(sent(credential.replaceAll(' ', '%20')))
    const untold = Object.values(names).filter(({ homes }) => homes.every((home) => home.startsWith('log')))
    for (const { query } of untold) await send(query(credential), { token: person.token })
    await sendWithKey(
      server,
      key.secret,
      `query ($text: String) { projects(filter: { nameContains: $text }) { totalCount } }`,
      {
        text: credential,
      },
    )
  }
})

test('no secret is in a log line, a row that is not its home, an error, a header or a page', async () => {
  expect(await traces.found()).toEqual([])
})

test('an audit event tells single words and numbers, and no sentences', async () => {
  const rows = await sweeping.owner.asOwner('select action, details from audit_events where details is not null')
  const facts = rows.flatMap(({ action, details }) =>
    Object.entries(details as object).flatMap(([name, value]) =>
      [value].flat().map((one) => [action, name, one] as const),
    ),
  )
  expect(new Set(facts.map(([action]) => action as string)).size).toBeGreaterThan(5)
  expect(facts.filter(([, , fact]) => typeof fact === 'string' && !/^[\w.:*-]{1,64}$/.test(fact))).toEqual([])
})

test('a secret that is planted is found', async () => {
  const { server, owner, ours } = sweeping
  const mark = () => marks.make('planted')
  const token = ours.admin.refreshToken
  traces.secret('a planted credential', token)
  const { log } = server.app.services
  log.info({ note: mark(), deep: { list: [mark()] } }, mark())
  log.child({ bound: mark() }).warn({ [mark()]: 1 }, 'planted')
  await owner.asOwner(
    `insert into audit_events (id, action, succeeded, user_agent, details)
     values (gen_random_uuid(), 'planted', true, $1, jsonb_build_object($2::text, $3::text))`,
    [mark(), mark(), mark()],
  )
  await owner.asOwner('update projects set description = $1 where id = $2', [token, ours.ids.project])
  await owner.asOwner(`update sessions set successor_nonce = convert_to($1, 'UTF8') where id = $2`, [
    mark(),
    ours.ids.session,
  ])
  const error = { message: mark(), extensions: { inputs: [{ path: [mark()] }] } }
  traces.keep({ headers: new Headers({ location: mark() }), data: { token }, errors: [error] })
  expect((await traces.found()).sort()).toEqual([
    'audit_events.details: planted',
    'audit_events.details: planted',
    'audit_events.user_agent: planted',
    'data: a planted credential',
    'errors extensions: planted',
    'errors message: planted',
    'header location: planted',
    'log bound: planted',
    'log deep: planted',
    'log msg: planted',
    'log note: planted',
    'log: planted',
    'projects.description: a planted credential',
    'sessions.successor_nonce: planted',
  ])
})
