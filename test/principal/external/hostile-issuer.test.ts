import type { JsonWebKey } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../../harness.ts'
import { givenIssuer, givenKeyPair, nowSeconds, sendJson, trusting, type Issuer } from './given-issuer.ts'

let server: TestServer
let ada: Person
let good: Issuer
let hostile: Issuer[]
let skewMs = 0

/** What comes in the place of a key set, and for nobody knows how long. */
const BROKEN: readonly [what: string, answer: (response: ServerResponse, issuer: Issuer) => void, cause: string][] = [
  ['status 503', (response) => void response.writeHead(503).end(), 'status 503'],
  ['no answer', () => {}, 'took too long'],
  ['a drop now and then', (response) => drip(response), 'took too long'],
  ['a broken connection', (response) => void response.destroy(), 'ECONNRESET'],
  ['a redirect to its keys', (response, { jwksUri }) => redirect(response, `${jwksUri}/moved`), 'status 302'],
  ['a redirect to another issuer', (response) => redirect(response, good.jwksUri), 'status 302'],
  ['50 MB', (response) => pour(response, 50), 'the body is too long'],
  ['HTML', (response) => html(response), 'the content type is not JSON'],
  ['HTML that calls itself JSON', (response) => html(response, 'application/json'), 'the body is not JSON'],
  ['JSON that is no key set', (response) => sendJson(response, { jwks: [] }), 'JSON Web Key Set malformed'],
  ['null', (response) => sendJson(response, null), 'JSON Web Key Set malformed'],
]
/** Key sets, and not one key in them that may verify a token. */
const USELESS: readonly [what: string, jwksOf: (issuer: Issuer) => JsonWebKey[]][] = [
  ['no key', () => []],
  ['a shared secret', () => [{ kty: 'oct', kid: 'first', alg: 'RS256', k: 'AAAA' }]],
  ['the kid twice', ({ keys }) => [keys[0]!.jwk, { ...givenKeyPair('x').jwk, kid: 'first' }]],
  ['RSA of 1,024 bits', () => [givenKeyPair('first', 'RS256', 1_024).jwk]],
  ['a key for encryption', ({ keys }) => [{ ...keys[0]!.jwk, use: 'enc' }]],
]

beforeAll(async () => {
  good = await givenIssuer()
  hostile = await Promise.all([...BROKEN, ...USELESS, 'a last one'].map(() => givenIssuer()))
  const settings = trusting([good], ...hostile.map((issuer): [Issuer] => [issuer]))
  server = await startServer({ settings, clock: () => new Date(Date.now() + skewMs) })
  ada = await givenPerson(server)
})
afterAll(async () => {
  await Promise.all([server, good, ...hostile].map((one) => one.close()))
})

const tokenOf = (issuer: Issuer, header: Record<string, unknown> = {}) =>
  issuer.token({ organization: ada.organizationId, exp: nowSeconds() + 7_200 }, header)
const read = (issuer: Issuer, header: Record<string, unknown> = {}) =>
  server.send('{ projects { totalCount } }', { token: tokenOf(issuer, header) })
const expectRead = async (issuer: Issuer) => expect(await read(issuer)).toMatchObject({ status: 200, errors: [] })
const coolDown = () => void (skewMs += 30_000)

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location, 'content-type': 'application/json' }).end('{"keys":[]}')
}
function html(response: ServerResponse, type = 'text/html'): void {
  response.writeHead(200, { 'content-type': type }).end('<html>Maintenance</html>')
}
function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  const timer = setInterval(() => response.write(' '), 100)
  response.on('close', () => clearInterval(timer))
}
/** As fast as it is taken, so that it is the reader who ends it. */
function pour(response: ServerResponse, megabytes: number): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const chunk = Buffer.alloc(1_000_000, ' ')
  let left = megabytes
  const more = (): void => {
    while (left > 0 && response.write(chunk)) left -= 1
    if (left <= 0) response.end('{"keys":[]}')
    else response.once('drain', more)
  }
  more()
}

test.each(BROKEN.map(([what, answer, cause], index) => [what, { answer, cause, index }] as const))(
  'an issuer that answers with %s: what is known goes on, the rest is refused, others do not notice, and it recovers',
  async (_, { answer, cause, index }) => {
    const issuer = hostile[index]!
    issuer.answering = (_request, response) => answer(response, issuer)
    const cold = read(issuer)
    await expectRead(good)
    expectError(await cold, 'UNAUTHENTICATED', 'INVALID')
    expectError(await read(issuer), 'UNAUTHENTICATED', 'INVALID')
    expect(issuer.asked.keys).toBe(1)
    const causes = server.logged.filter((line) => line.includes(issuer.issuer)).map((line) => JSON.parse(line).cause)
    expect(causes[0]).toBe(cause)

    issuer.answering = null
    coolDown()
    await expectRead(issuer)
    issuer.answering = (_request, response) => answer(response, issuer)
    coolDown()
    const unknown = read(issuer, { kid: 'unknown' })
    await expectRead(issuer)
    expectError(await unknown, 'UNAUTHENTICATED', 'INVALID')
    await expectRead(issuer)
    expect(issuer.asked.keys).toBe(3)
  },
)

test.each(USELESS.map(([what, jwksOf], index) => [what, { jwksOf, index: BROKEN.length + index }] as const))(
  'an issuer that publishes %s: its tokens are refused until it publishes better',
  async (_, { jwksOf, index }) => {
    const issuer = hostile[index]!
    issuer.answering = (_request, response) => sendJson(response, { keys: jwksOf(issuer) })
    expectError(await read(issuer), 'UNAUTHENTICATED', 'INVALID')
    issuer.answering = null
    expectError(await read(issuer), 'UNAUTHENTICATED', 'INVALID')
    coolDown()
    await expectRead(issuer)
    await expectRead(good)
  },
)

test('an issuer that publishes another key under the same kid has to wait for the next time that it is asked', async () => {
  const issuer = hostile.at(-1)!
  issuer.answering = (_request, response) => sendJson(response, { keys: good.keys.map(({ jwk }) => jwk) })
  expectError(await read(issuer), 'UNAUTHENTICATED', 'INVALID')
  issuer.answering = null
  coolDown()
  expectError(await read(issuer), 'UNAUTHENTICATED', 'INVALID')
  expect(issuer.asked.keys).toBe(1)
  skewMs += 20 * 60_000
  await expectRead(issuer)
})
