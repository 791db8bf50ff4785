import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { postWebhook, signedRequest } from '../../src/jobs/webhook.ts'
import { backoffMs } from '../../src/jobs/webhook-deliveries.ts'
import { givenReceiver, SECRET, status, type Receiver } from './given-jobs.ts'

let receiver: Receiver
beforeAll(async () => {
  receiver = await givenReceiver()
})
afterAll(() => receiver?.close())
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = status(204)
})

const event = {
  id: '0190a0b0-0000-7000-8000-000000000001',
  type: 'api_key.expiring',
  createdAt: new Date('2030-01-01T00:00:00.000Z'),
  data: { daysLeft: 7, apiKey: { name: 'Métabase' } },
}
const post = (url = receiver.url, timeoutMs?: number, stopping = new AbortController().signal) =>
  postWebhook({ url, secret: SECRET }, event, new Date(), stopping, timeoutMs)

/** As a receiver checks it, with the library. */
const verify = (body: string, headers: object, secret = SECRET) =>
  new Webhook(secret, { format: 'raw' }).verify(body, headers as Record<string, string>)

test('a receiver verifies what it gets, and finds the event in it', async () => {
  expect(await post()).toBeNull()
  const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]]
  expect(verify(body, headers)).toEqual({ type: event.type, timestamp: '2030-01-01T00:00:00.000Z', data: event.data })
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': event.id })
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(5)
})

test.each<[string, (body: string, headers: Record<string, string>) => [string, Record<string, string>, string?]]>([
  ['another body', (body, headers) => [body.replace('"daysLeft":7', '"daysLeft":8'), headers]],
  ['another id', (body, headers) => [body, { ...headers, 'webhook-id': 'another' }]],
  [
    'another time',
    (body, headers) => [body, { ...headers, 'webhook-timestamp': `${Number(headers['webhook-timestamp']) - 1}` }],
  ],
  ['another secret', (body, headers) => [body, headers, `${SECRET}!`]],
])('a signature does not stand for %s', (_, change) => {
  const { body, headers } = signedRequest(SECRET, event, new Date())
  expect(verify(body, headers)).toMatchObject({ type: event.type })
  expect(() => verify(...change(body, headers))).toThrow('No matching signature')
})

test('a server that stops does not wait for a receiver that does not answer', async () => {
  receiver.answer = () => {}
  const stopping = new AbortController()
  const posted = post(receiver.url, 10_000, stopping.signal)
  setTimeout(() => stopping.abort(), 100)
  const start = performance.now()
  expect(await posted).not.toBeNull()
  expect(performance.now() - start).toBeLessThan(2_000)
})

test('the signature is that of RFC 2104 under the bytes of the secret, whatever is in it', () => {
  const secret = 'gehörig langes Geheimnis – 32 Zeichen'
  const at = new Date('2030-01-01T00:00:00.999Z')
  const { body, headers } = signedRequest(secret, event, at)
  const mac = createHmac('sha256', Buffer.from(secret, 'utf8'))
    .update(`${event.id}.1893456000.${body}`)
    .digest('base64')
  expect(headers['webhook-signature']).toBe(`v1,${mac}`)
})

test.each([200, 201, 204])('an answer of %i counts', async (code) => {
  receiver.answer = status(code)
  expect(await post()).toBeNull()
})

test.each([301, 302, 307, 308, 400, 401, 410, 429, 500, 503])(
  'an answer of %i does not, and is not followed',
  async (code) => {
    receiver.answer = status(code, { location: new URL('/elsewhere', receiver.url).href })
    expect(await post()).toBe(`status ${code}`)
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook?tag=in-the-query'])
  },
)

test('a receiver that does not answer is not waited for', async () => {
  receiver.answer = () => {}
  const before = Date.now()
  expect(await post(receiver.url, 200)).toBe('TimeoutError')
  expect(Date.now() - before).toBeLessThan(5_000)
})

test('an answer without an end is an answer', async () => {
  receiver.answer = (response) => void response.writeHead(200).write('and so on')
  expect(await post()).toBeNull()
  await sleep(0)
})

test('nobody who listens is a failure, told without the address', async () => {
  const gone = await givenReceiver()
  await gone.close()
  expect(await post(gone.url)).toBe('ECONNREFUSED')
})

test('a name and password in the URL are sent as a header, and never in a reason', async () => {
  const url = receiver.url.replace('http://', 'http://hook%40er:p%3Ass@')
  expect(await post(url)).toBeNull()
  expect(receiver.received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('hook@er:p:ss').toString('base64')}`)
  expect(await post(url.replace('hook%40er', '%ff'))).toBe('URIError')
})

test('the waits double, from half a minute to six hours', () => {
  const seconds = Array.from({ length: 12 }, (_, made) => backoffMs(made + 1) / 1_000)
  expect(seconds).toEqual([30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360, 21_600, 21_600])
})
