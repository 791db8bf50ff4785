import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, startServer, type Answer, type Person, type TestServer } from '../../harness.ts'
import { givenIssuer, trusting, type Issuer } from './given-issuer.ts'

let server: TestServer
let issuer: Issuer
let ada: Person
let skewMs = 0

beforeAll(async () => {
  issuer = await givenIssuer()
  server = await startServer({ settings: trusting([issuer]), clock: () => new Date(Date.now() + skewMs) })
  ada = await givenPerson(server)
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})

const token = (header: Record<string, unknown> = {}) => issuer.token({ organization: ada.organizationId }, header)
const read = (text: string) => server.send('{ principal { kind } }', { token: text })
const statuses = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))]

test('a hundred tokens at once, before any key is known, make one request', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => read(token())))
  expect(statuses(answers)).toEqual([200])
  expect(issuer.asked.keys).toBe(1)
})

test('a thousand tokens with unknown kids make one request, and hold up no other, while the issuer does not answer', async () => {
  skewMs += 30_000
  issuer.answering = () => {}
  const unknown = (many: number) =>
    Array.from({ length: many }, (_, number) => read(token({ kid: `unknown-${number}` })))
  const waiting = unknown(100)
  let over = 0
  for (const answer of waiting) void answer.then(() => (over += 1))
  const known = await Promise.all(Array.from({ length: 20 }, () => read(token())))
  expect(statuses(known)).toEqual([200])
  expect(over).toBe(0)
  const refused = await Promise.all([...waiting, ...unknown(900)])
  expect(statuses(refused)).toEqual([401])
  expect(issuer.asked.keys).toBe(2)
  expect(statuses([await read(token())])).toEqual([200])
})
