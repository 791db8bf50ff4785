import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenApiKey, PROJECTS } from '../api-key/given-api-key.ts'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { givenIssuer, nowSeconds, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { note } from './failure-table.ts'
import { databaseUrl, MOST_BACK_MS } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { isServed, sawOf, see, slowestOf, type Seen } from './load.ts'
import { givenTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const HOUR_SECONDS = 3_600
const WHO = '{ principal { kind } }'
const REFRESH = 'mutation ($token: String!) { refresh(input: { refreshToken: $token }) { accessToken refreshToken } }'

let cluster: Cluster
let issuer: Issuer
/** Between the servers and the issuer. */
let network: TcpProxy
let server: TestServer
let person: Person
/** By how much the server's clock is ahead. */
let aheadSeconds = 0
const clock = () => new Date(Date.now() + aheadSeconds * 1_000)

beforeAll(async () => {
  cluster = await givenCluster()
  issuer = await givenIssuer()
  network = await givenTcpProxy(Number(new URL(issuer.jwksUri).port))
  server = await startWith()
  person = await givenPerson(server)
})
afterAll(async () => {
  await server?.close()
  await network?.close()
  await issuer?.close()
  await cluster?.remove()
})

/** In this process, where its clock can be moved. */
function startWith(): Promise<TestServer> {
  const jwksUri = `http://127.0.0.1:${network.port}/keys`
  return startServer({ settings: trusting([issuer, { jwksUri }]), clock, databaseUrl: databaseUrl(cluster.port) })
}
const ask = (query: string, token: string, variables?: Record<string, unknown>) =>
  see(server.url, query, { token, ...(variables && { variables }) })
const tokenOf = () => {
  const iat = nowSeconds() + aheadSeconds
  return issuer.token({ organization: person.organizationId, iat, exp: iat + 600 })
}

/** What can stand between a server and the keys, and what ends it. */
const OBSTACLES: Readonly<Record<string, { begin: () => unknown; end: () => unknown }>> = {
  'the issuer answers 503': {
    begin: () => (issuer.answering = (_request, response) => void response.writeHead(503).end()),
    end: () => (issuer.answering = null),
  },
  'nobody listens at its address': { begin: () => network.refuse(), end: () => network.mend() },
  'its network is silent': { begin: () => network.swallow(), end: () => network.mend() },
}

test('the keys of a trusted issuer cannot be fetched', async () => {
  const seen: Seen[] = [await ask(WHO, tokenOf())]
  const cold: Seen[] = []
  const backMs: number[] = []
  for (const { begin, end } of Object.values(OBSTACLES)) {
    await begin()
    const failed = await fetches('failed')
    // As old as keys may get before they are fetched again.
    aheadSeconds += 700
    const warm = askUntil(async () => (await fetches('failed')) > failed)
    // An instance that starts meanwhile knows no key.
    const other = await startWith()
    const askOther = () => see(other.url, WHO, { token: tokenOf() })
    cold.push(await askOther())
    seen.push(...(await warm))
    await end()
    backMs.push(await untilServed(askOther))
    await other.close()
    // Until its keys are new, so that the next obstacle meets a server like this one.
    const renewed = await fetches('ok')
    aheadSeconds += 700
    seen.push(...(await askUntil(async () => (await fetches('ok')) > renewed)))
  }
  expect(new Set(seen.map(({ outcome }) => outcome))).toEqual(new Set(['200']))
  expect(new Set(cold.map(({ outcome }) => outcome))).toEqual(new Set(['401 UNAUTHENTICATED']))
  const failure = `the keys of a trusted issuer cannot be fetched, and are due (${Object.keys(OBSTACLES).join('; ')}); another instance starts meanwhile`
  const kept = 'the last good keys are believed, for a day; an instance without any refuses the tokens'
  const all = [...seen, ...cold]
  note('jwks-gone', { failure, saw: sawOf(all), slowestMs: slowestOf(all), backMs: Math.max(...backMs), kept })
})

/** How often the server that runs all the time has fetched keys with this outcome. */
async function fetches(outcome: 'ok' | 'failed'): Promise<number> {
  const metrics = await server.app.services.metrics.text()
  const [, count] =
    new RegExp(`^tenantry_issuer_key_fetches_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(metrics) ?? []
  return Number(count ?? 0)
}

/** Asks with a token of the issuer until something is so, and 20 times at least. */
async function askUntil(isSo: () => Promise<boolean>): Promise<Seen[]> {
  const seen: Seen[] = []
  while (seen.length < 20 || !(await isSo())) {
    seen.push(await ask(WHO, tokenOf()))
    await sleep(20)
  }
  return seen
}

/** @returns how long it took, in milliseconds */
async function untilServed(request: () => Promise<Seen>): Promise<number> {
  const since = performance.now()
  while (!isServed(await request())) {
    expect(performance.now() - since).toBeLessThan(MOST_BACK_MS)
    await sleep(100)
  }
  return performance.now() - since
}

test("the server's clock is moved an hour forward, and back", async () => {
  aheadSeconds = 0
  const someone = await givenPerson(server)
  const { secret } = await givenApiKey(server, someone)
  const withKey = () => see(server.url, PROJECTS, { headers: { 'x-api-key': secret } })
  const renew = (token: string) => see(server.url, REFRESH, { variables: { token } })
  const gone = await givenPerson(server)
  await ask('mutation { logout { revokedSessions } }', gone.token)

  aheadSeconds = HOUR_SECONDS
  const ahead = { old: await ask(WHO, someone.token), key: await withKey(), renewed: await renew(someone.refreshToken) }
  const { accessToken, refreshToken } = ahead.renewed.data.refresh
  const own = await ask(WHO, accessToken)
  expect(ahead.old.outcome).toBe('401 UNAUTHENTICATED')
  for (const served of [ahead.key, ahead.renewed, own]) expect(served.outcome).toBe('200')

  aheadSeconds = 0
  const backAt = performance.now()
  // A token from the future is none, and the session that it belongs to goes on.
  const back = { future: await ask(WHO, accessToken), key: await withKey(), renewed: await renew(refreshToken) }
  expect(back.future.outcome).toBe('401 UNAUTHENTICATED')
  for (const served of [back.key, back.renewed]) expect(served.outcome).toBe('200')
  expect((await ask(WHO, back.renewed.data.refresh.accessToken)).outcome).toBe('200')
  // What had ended before is not alive again.
  expect((await ask(WHO, gone.token)).outcome).toBe('401 UNAUTHENTICATED')
  const backMs = performance.now() - backAt

  const seen = [...Object.values(ahead), own, ...Object.values(back)]
  const failure = "the server's clock is moved an hour forward, and back again"
  const kept = 'sessions and API keys; an access token of the other time is refused, and its session renews it'
  note('clock', { failure, saw: sawOf(seen), slowestMs: slowestOf(seen), backMs, kept })
})
