import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenApiKey, sendWithKey } from '../api-key/given-api-key.ts'
import { givenPerson, givenProject, PASSWORD, startServer, type Person, type TestServer } from '../harness.ts'
import { sendForm } from '../oauth/given-oauth.ts'
import { givenCollector, type Collector, type ReceivedSpan } from './given-collector.ts'

const SECRET_HEADER = 'the-collectors-own-secret'

let collector: Collector
let server: TestServer
let person: Person

beforeAll(async () => {
  collector = await givenCollector()
  server = await startServer({ settings: settingsFor(collector) })
  person = await givenPerson(server)
})
afterAll(async () => {
  await server?.close()
  await collector?.close()
})

const settingsFor = ({ endpoint }: Collector) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_HEADERS: `x-collector-key=${SECRET_HEADER}`,
})

const isRequest = ({ kind }: ReceivedSpan) => kind === 2

/** The trace of the request that is sent. */
async function traceOf(send: () => Promise<unknown>, route = '/graphql') {
  // A clock in whole milliseconds.
  const since = Date.now() - 1
  await send()
  const spans = await collector.requests(route, since)
  const root = spans.find(isRequest)!
  return { spans, root, others: spans.filter((span) => span !== root) }
}

test('a request is a span, and its access plan and its statements are within it', async () => {
  await givenProject(server, person, 'A loom')
  const { root, others, spans } = await traceOf(() =>
    server.send('{ projects { nodes { name } } }', { token: person.token }),
  )
  expect(root).toMatchObject({ name: 'POST /graphql', kind: 2, parentSpanId: undefined, failed: false })
  expect(root.attributes).toEqual({
    'http.request.method': 'POST',
    'http.route': '/graphql',
    'http.response.status_code': 200,
    'graphql.operation.type': 'query',
  })
  expect(others.map(({ parentSpanId }) => parentSpanId)).toEqual(others.map(() => root.spanId))
  expect(others.filter(({ name }) => name === 'access plan')).toHaveLength(1)
  const statements = others.filter(({ attributes }) => attributes['db.system.name'] === 'postgresql')
  const texts = statements.map(({ attributes }) => String(attributes['db.query.text']))
  expect(
    texts.filter((text) => /^(begin.*; )?select .* from "projects" .*"organization_id" = \$1/.test(text)),
  ).toHaveLength(1)
  expect(statements.map(({ kind }) => kind)).toEqual(statements.map(() => 3))
  for (const { startMs, endMs } of spans) {
    // The ORM times its own statements in whole milliseconds.
    expect(startMs).toBeGreaterThanOrEqual(root.startMs - 2)
    expect(endMs).toBeGreaterThanOrEqual(startMs)
    expect(endMs).toBeLessThanOrEqual(root.endMs + 2)
  }
})

test('the trace that a caller names is gone on with, and the log tells its id', async () => {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  const { root } = await traceOf(() =>
    server.send('{ __typename }', { headers: { traceparent: `00-${traceId}-${spanId}-01` } }),
  )
  expect(root).toMatchObject({ traceId, parentSpanId: spanId })
  expect(server.logged.some((line) => line.includes(`"traceId":"${traceId}"`))).toBe(true)
})

test.each([
  ['of zeros', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`],
  ['of another length', `00-${'a'.repeat(31)}-${'1'.repeat(16)}-01`],
  ['with more behind it', `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01-extra`],
  ['that is none', `'; drop table users; --`],
])('a traceparent %s is as none', async (_, traceparent) => {
  const { root } = await traceOf(() => server.send('{ __typename }', { headers: { traceparent } }))
  expect(root.parentSpanId).toBeUndefined()
  expect(collector.text()).not.toContain(traceparent)
})

test('a caller who asks not to be traced is not', async () => {
  const traceId = randomBytes(16).toString('hex')
  await server.send('{ __typename }', { headers: { traceparent: `00-${traceId}-${'1'.repeat(16)}-00` } })
  await traceOf(() => server.send('{ __typename }'))
  expect(collector.spans().filter((span) => span.traceId === traceId)).toEqual([])
})

test('requests at once each have their own statements', async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => givenPerson(server)))
  const since = Date.now()
  await Promise.all(people.map(({ token }) => server.send('{ projects { totalCount } }', { token })))
  const spans = await collector.requests('/graphql', since, 5)
  for (const { traceId, spanId } of spans.filter(isRequest)) {
    const counts = spans.filter((span) => String(span.attributes['db.query.text']).includes('count(*)'))
    expect(counts.filter((span) => span.traceId === traceId).map(({ parentSpanId }) => parentSpanId)).toEqual([spanId])
  }
})

test('a refusal is told by its code; a fault of the server is an error', async () => {
  const { root } = await traceOf(() => server.send('{ projects { totalCount } }'))
  expect(root).toMatchObject({ failed: false, attributes: { 'error.type': 'UNAUTHENTICATED' } })
  expect(root.attributes['http.response.status_code']).toBe(401)
  const { root: token } = await traceOf(() => sendForm(server, '/oauth/token', { grant_type: 'none' }), '/oauth/token')
  expect(token).toMatchObject({ name: 'POST /oauth/token', failed: false, attributes: { 'error.type': 'BAD_REQUEST' } })
})

test('no value, no credential and no name of a client is in any span', async () => {
  const mark = `zq${randomBytes(6).toString('hex')}`
  const number = 4_711
  const { id, secret } = await givenApiKey(server, person, { name: mark, rateLimitPerMinute: number })
  const project = await givenProject(server, person, `it's ${mark}`)
  const email = `${mark}@example.test`
  const register = `mutation ${mark} ($input: RegisterInput!) { ${mark}: register(input: $input) { accessToken refreshToken } }`
  const input = { email, password: `${PASSWORD} ${mark}`, organizationName: mark }
  const registered = await server.send(register, {
    variables: { input },
    headers: { 'user-agent': mark, 'x-request-id': mark },
  })
  const { accessToken, refreshToken } = registered.data[mark]
  const update = `mutation { updateProject(input: { id: "${project}", name: "${mark}" }) { project { name } } }`
  await server.send(update, { token: person.token })
  await server.send(`{ projects(first: 7, after: "${mark}") { nodes { name } } }`, { token: person.token })
  await server.send(`{ apiKey(id: "${id}") { name } }`, { token: person.token })
  await sendWithKey(server, secret)
  await sendForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: mark })
  await fetch(`${server.url}/${mark}?${mark}`, {
    headers: { traceparent: mark, tracestate: `a=${mark}`, baggage: mark },
  })
  await traceOf(() => server.send('{ __typename }', { headers: { tracestate: `a=${mark}` } }))
  const text = collector.text()
  const summaries = collector.spans().map(({ name }) => name)
  expect(summaries).toEqual(
    expect.arrayContaining(['insert projects', 'update projects', 'insert users', 'insert api_keys']),
  )
  const { tokens, passwords, apiKeys } = server.app.services.config
  const secrets = [secret, accessToken, refreshToken, person.token, PASSWORD, SECRET_HEADER]
  const keys = [tokens.secret, passwords.pepper, apiKeys.hashKey]
  for (const one of [mark, ...secrets, ...keys, id, project, person.organizationId, person.userId]) {
    expect(text).not.toContain(one)
  }
  for (const { attributes } of collector.spans()) expect(String(attributes['db.query.text'])).not.toMatch(/'|\b4711\b/)
})

test('what is left is sent when the server ends, with the headers that the collector wants', async () => {
  const own = await givenCollector()
  const ending = await startServer({ settings: settingsFor(own) })
  await ending.send('{ __typename }')
  await ending.close()
  expect(own.spans().filter(({ attributes }) => attributes['http.route'] === '/graphql')).toHaveLength(1)
  expect(own.headers()[0]).toMatchObject({ 'x-collector-key': SECRET_HEADER, 'content-type': 'application/json' })
  await own.close()
})

test('a collector that is not there holds nothing up, and the log says so without its secret', async () => {
  const gone = await givenCollector()
  await gone.close()
  const alone = await startServer({ settings: settingsFor(gone) })
  expect((await alone.send('{ __typename }')).errors).toEqual([])
  const started = performance.now()
  await alone.close()
  expect(performance.now() - started).toBeLessThan(8_000)
  expect(alone.logged.some((line) => line.includes('traces could not be exported'))).toBe(true)
  expect(alone.logged.join('')).not.toContain(SECRET_HEADER)
})

test('as few requests are traced as was asked for', async () => {
  const own = await givenCollector()
  const seldom = await startServer({ settings: { ...settingsFor(own), OTEL_TRACES_SAMPLER_ARG: '0' } })
  const traceId = randomBytes(16).toString('hex')
  await seldom.send('{ __typename }')
  // Nor does a caller decide to be traced.
  await seldom.send('{ __typename }', { headers: { traceparent: `00-${traceId}-${'1'.repeat(16)}-01` } })
  await seldom.close()
  expect(own.spans()).toEqual([])
  await own.close()
})

test('a caller who chooses the id of a trace is traced no more often than others', async () => {
  const own = await givenCollector()
  const seldom = await startServer({ settings: { ...settingsFor(own), OTEL_TRACES_SAMPLER_ARG: '0.001' } })
  // The sampler of the SDK goes by the id, and would take each of these.
  const traceparent = `00-${'00000001'.repeat(4)}-${'1'.repeat(16)}-01`
  for (let time = 0; time < 20; time += 1) await seldom.send('{ __typename }', { headers: { traceparent } })
  await seldom.close()
  expect(own.spans().filter(({ parentSpanId }) => parentSpanId === '1'.repeat(16)).length).toBeLessThan(3)
  await own.close()
})
