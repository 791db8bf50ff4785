import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { change, givenApiKey, PROJECTS, REVOKE, sendWithKey } from '../api-key/given-api-key.ts'
import { givenKeeper } from '../documents/given-documents.ts'
import { givenPerson, PASSWORD, type Person } from '../harness.ts'
import { sendForm } from '../oauth/given-oauth.ts'
import { expectSoon, seriesOf, startMeasured, sumOf, type MeasuredServer } from './given-metrics.ts'

const LOGIN = `mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }`
const REFRESH = `mutation ($token: String!) { refresh(input: { refreshToken: $token }) { accessToken refreshToken } }`

let server: MeasuredServer
let person: Person

beforeAll(async () => {
  server = await startMeasured({ REFRESH_GRACE_SECONDS: '0', RATE_LIMIT_API_KEY_PER_MINUTE: '1000000' })
  person = await givenPerson(server)
})
afterAll(() => server?.close())

/** How much more there is of each of these, by `name{label=value}`, once `work` is done. */
async function expectMore(more: Record<string, number>, work: () => Promise<unknown>): Promise<void> {
  const named = Object.keys(more).map((written) => [written, seriesOf(written)] as const)
  const look = async () => {
    const samples = await server.samples()
    return Object.fromEntries(named.map(([written, { name, labels }]) => [written, sumOf(samples, name, labels)]))
  }
  const before = await look()
  await work()
  const wanted = Object.fromEntries(Object.entries(more).map(([written, by]) => [written, (before[written] ?? 0) + by]))
  await expectSoon(look, wanted)
}

const REQUESTS = 'tenantry_request_duration_seconds_count'

test('a request is counted by its route, the type of its operation and how it ended', async () => {
  const { token } = person
  await expectMore({ [`${REQUESTS}{route="/graphql",type="query",outcome="ok"}`]: 2 }, async () => {
    await server.send(PROJECTS, { token })
    await server.send('{ __typename }')
  })
  const named = `mutation { createProject(input: { name: "" }) { project { id } } }`
  const bad = `{route="/graphql",type="mutation",outcome="BAD_USER_INPUT"}`
  await expectMore({ [REQUESTS + bad]: 1 }, () => server.send(named, { token }))
  const unknown = `{ project(id: "${randomUUID()}") { id } nothing }`
  const invalid = `{route="/graphql",type="none",outcome="GRAPHQL_VALIDATION_FAILED"}`
  await expectMore({ [REQUESTS + invalid]: 1 }, () => server.send(unknown, { token }))
  await expectMore({ [`${REQUESTS}{route="/graphql",type="none",outcome="GRAPHQL_PARSE_FAILED"}`]: 1 }, () =>
    server.send('{', { token }),
  )
  await expectMore({ [`${REQUESTS}{route="/graphql",type="none",outcome="OPERATION_TOO_LARGE"}`]: 1 }, () =>
    server.send(`{ ${'a '.repeat(100_000)} }`),
  )
  await expectMore({ [`${REQUESTS}{route="/oauth/token",type="none",outcome="BAD_REQUEST"}`]: 1 }, () =>
    sendForm(server, '/oauth/token', { grant_type: 'nothing' }),
  )
  await expectMore({ [`${REQUESTS}{route="none",type="none",outcome="BAD_REQUEST"}`]: 1 }, () =>
    fetch(`${server.url}/somewhere/else`),
  )
})

test('a client that does not wait for its answer is counted too', async () => {
  const aborted = `${REQUESTS}{route="/graphql",outcome="aborted"}`
  await expectMore({ [aborted]: 1 }, async () => {
    const head = 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    await new Promise<void>((resolve) => socket.write(head, () => resolve()))
    await sleep(100)
    socket.destroy()
  })
})

test('a denial is counted by its reason, once a request', async () => {
  const denied = (code: string, reason: string) => `tenantry_denials_total{code="${code}",reason="${reason}"}`
  const missing = { [denied('UNAUTHENTICATED', 'MISSING')]: 1 }
  await expectMore(missing, () => server.send('{ a: projects { totalCount } b: projects { totalCount } }'))
  await expectMore({ [denied('UNAUTHENTICATED', 'MALFORMED')]: 1 }, () => server.send(PROJECTS, { token: 'x' }))
  await expectMore({ [denied('FORBIDDEN', 'WRONG_KIND')]: 1 }, () =>
    server.send('{ platform { organizations { totalCount } } }', { token: person.token }),
  )
  await expectMore({ [denied('FORBIDDEN', 'NOT_A_MEMBER')]: 1 }, () =>
    server.send(PROJECTS, { token: person.token, headers: { 'x-tenant-id': randomUUID() } }),
  )
})

test('sign-ins are counted by how they ended, and the passwords that were hashed for them', async () => {
  const login = (password: string) => server.send(LOGIN, { variables: { input: { email: person.email, password } } })
  const of = (outcome: string) => `tenantry_sign_ins_total{method="login",outcome="${outcome}"}`
  const hashed = 'tenantry_password_hash_duration_seconds_count'
  await expectMore({ [of('ok')]: 1, [hashed]: 1 }, () => login(PASSWORD))
  await expectMore({ [of('INVALID_CREDENTIALS')]: 2, [hashed]: 2 }, async () => {
    await login('another password 7')
    await server.send(LOGIN, { variables: { input: { email: 'nobody@example.test', password: PASSWORD } } })
  })
  const registered = 'tenantry_sign_ins_total{method="register",outcome="ok"}'
  await expectMore({ [registered]: 1, [hashed]: 1 }, () => givenPerson(server, null))
})

test('a refresh token that comes a second time is counted apart', async () => {
  const { refreshToken } = await givenPerson(server)
  const renew = () => server.send(REFRESH, { variables: { token: refreshToken } })
  const of = (outcome: string) => `tenantry_refreshes_total{outcome="${outcome}"}`
  await expectMore({ [of('ok')]: 1, [of('REUSED')]: 0 }, renew)
  await expectMore({ [of('ok')]: 0, [of('REUSED')]: 1 }, renew)
  await expectMore({ [of('MALFORMED')]: 1 }, () => server.send(REFRESH, { variables: { token: 'nonsense' } }))
})

test('the making of a token is measured, and its checking where that is done in full', async () => {
  const made = 'tenantry_token_making_duration_seconds_count'
  const verified = 'tenantry_token_check_duration_seconds_count{issuer="own"}'
  const checks = (outcome: string) => `tenantry_token_checks_total{outcome="${outcome}"}`
  let token = ''
  await expectMore({ [made]: 1, [verified]: 0 }, async () => ({ token } = await givenPerson(server)))
  const ask = () => server.send(PROJECTS, { token })
  await expectMore({ [made]: 0, [verified]: 1, [checks('verified')]: 1, [checks('remembered')]: 0 }, ask)
  await expectMore({ [verified]: 0, [checks('verified')]: 0, [checks('remembered')]: 2 }, async () => {
    await ask()
    await ask()
  })
  const forged = `${token.slice(0, -4)}AAAA`
  await expectMore({ [verified]: 1, [checks('refused')]: 1 }, () => server.send(PROJECTS, { token: forged }))
})

test('a key is counted by whether it was remembered, looked up or refused', async () => {
  const { id, secret } = await givenApiKey(server, person)
  const of = (outcome: string) => `tenantry_key_checks_total{outcome="${outcome}"}`
  const lookedUp = 'tenantry_key_lookup_duration_seconds_count'
  const ask = () => sendWithKey(server, secret)
  await expectMore({ [of('looked_up')]: 1, [of('remembered')]: 0, [lookedUp]: 1 }, ask)
  await expectMore({ [of('looked_up')]: 0, [of('remembered')]: 1, [lookedUp]: 0 }, ask)
  await expectMore({ [of('malformed')]: 1, [lookedUp]: 0 }, () => sendWithKey(server, 'nonsense'))
  const { secret: other } = server.app.services.apiKeys.newSecret()
  await expectMore({ [of('unknown')]: 1, [lookedUp]: 1 }, () => sendWithKey(server, other))
  await change(server, person, REVOKE, { id })
  await expectMore({ [of('ended')]: 1 }, ask)
})

test('a limit counts what it lets and what it refuses', async () => {
  const { secret } = await givenApiKey(server, person, { rateLimitPerMinute: 3 })
  const of = (decision: string) => `tenantry_rate_limit_decisions_total{policy="api-key",decision="${decision}"}`
  const limited = `${REQUESTS}{route="/graphql",outcome="RATE_LIMITED"}`
  await expectMore({ [of('allowed')]: 3, [of('limited')]: 2, [limited]: 2 }, async () => {
    for (let times = 0; times < 5; times += 1) await sendWithKey(server, secret)
  })
})

test('statements, transactions and connections are shown, and the state of the process', async () => {
  const statements = 'tenantry_database_statement_duration_seconds_count{outcome="ok"}'
  const transactions = (access: string) => `tenantry_database_transaction_duration_seconds_count{access="${access}"}`
  const before = await server.sum(statements.split('{')[0] ?? '', { outcome: 'ok' })
  await expectMore({ [transactions('read')]: 1, [transactions('write')]: 0 }, () =>
    server.send(PROJECTS, { token: person.token }),
  )
  expect(await server.sum(statements.split('{')[0] ?? '', { outcome: 'ok' })).toBeGreaterThan(before)
  const samples = await server.samples()
  for (const name of ['max', 'open']) {
    expect(samples.get(`tenantry_database_pool_connections_${name}`)).toBeGreaterThan(0)
  }
  expect(samples.get('tenantry_database_pool_waiting')).toBe(0)
  expect(samples.get('tenantry_revocations_live')).toBe(1)
  expect(samples.get('tenantry_rate_limits_degraded')).toBe(0)
  expect(samples.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0)
  expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
})

test('nothing that clients make up makes a series', async () => {
  const { token } = person
  const { secret } = await givenApiKey(server, person)
  const ask = async (round: number) => {
    const madeUp = () => `zq${round}x${randomUUID().replaceAll('-', '')}`
    // A name is told to who has made it up, where a credential would be a leak.
    const [text, credential] = [madeUp(), madeUp()]
    await Promise.all([
      server.send(`query ${text} { ${text}: projects { totalCount } }`, { token }),
      server.send(`{ ${text} }`, { token }),
      server.send(PROJECTS, {
        token,
        headers: { 'x-tenant-id': randomUUID(), 'user-agent': text, 'x-request-id': text },
      }),
      server.send(PROJECTS, { token: credential }),
      sendWithKey(server, secret.slice(0, -4) + credential.slice(0, 4)),
      server.send(LOGIN, { variables: { input: { email: `${text}@example.test`, password: credential } } }),
      server.send(REFRESH, { variables: { token: credential } }),
      server.send(`query { ...${text} }`, { token, variables: { [text]: text } }),
      fetch(`${server.url}/${text}?${text}=${text}`, { headers: { [text]: text, traceparent: text } }),
      fetch(`${server.url}/graphql?operationName=${text}&query={__typename}`),
      fetch(`${server.url}/.well-known/oauth-authorization-server/${text}`),
      fetch(`${server.url}/graphql/${text}`, { method: 'DELETE' }),
      sendForm(server, '/oauth/token', { grant_type: text, scope: text, client_id: text }),
    ])
  }
  for (let round = 0; round < 5; round += 1) await ask(round)
  const ours = async () => [...(await server.samples()).keys()].filter((series) => series.startsWith('tenantry_'))
  const before = new Set(await ours())
  for (let round = 0; round < 80; round += 1) await ask(round)
  const after = await ours()
  expect(after.filter((series) => !before.has(series))).toEqual([])
  expect(after.filter((series) => /zq\d+x/i.test(series))).toEqual([])
  expect(after.length).toBeLessThan(2_000)
})

test('no credential is in the metrics', async () => {
  const { secret } = await givenApiKey(server, person)
  await sendWithKey(server, secret)
  const text = await (await fetch(server.metricsUrl)).text()
  const { tokens, passwords, apiKeys } = server.app.services.config
  const secrets = [secret, person.token, person.refreshToken, person.email, PASSWORD]
  for (const one of [
    ...secrets,
    tokens.secret,
    passwords.pepper,
    apiKeys.hashKey,
    person.organizationId,
    person.userId,
  ]) {
    expect(text).not.toContain(one)
  }
})

test('the name of an operation is told where its document is trusted, and of no other', async () => {
  const trusting = await startMeasured({ TRUSTED_DOCUMENTS: 'allow' })
  const keeper = await givenKeeper(trusting)
  try {
    await keeper.trust('query Known { __typename }')
    const operations = (operation: string) =>
      trusting.sum('tenantry_operations_total', { operation, type: 'query', outcome: 'ok' })
    const known = await operations('Known')
    const others = await operations('other')
    await trusting.send('query Known { __typename }')
    await trusting.send('query Unknown { __typename }')
    // The same name, in a document of the client's own.
    await trusting.send('query Known { again: __typename }')
    await expectSoon(() => operations('Known'), known + 1)
    await expectSoon(() => operations('other'), others + 2)
    expect(await operations('Unknown')).toBe(0)
  } finally {
    await keeper.end()
    await trusting.close()
  }
})
