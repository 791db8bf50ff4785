import { createServer, type RequestListener } from 'node:http'
import {
  createServer as createTcpServer,
  setDefaultAutoSelectFamily,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { fetchKeySet, KeySetFetchError } from '../../../src/principal/external/key-set-fetch.ts'
import { givenNameServer } from './given-name-server.ts'
import { givenTlsServer, type TlsServer } from './given-tls.ts'

const KEYS = '{"keys":[]}'
const named = { allowPrivate: false, allowedHosts: ['localhost'] }
const strict = { allowPrivate: false }

let server: TlsServer
let answer: RequestListener
let opened: { close(): unknown }[] = []

const json =
  (body: string | Buffer, headers = {}): RequestListener =>
  (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body)

beforeAll(async () => {
  server = await givenTlsServer((request, response) => answer(request, response))
})
afterAll(() => server.close())
afterEach(async () => {
  for (const one of opened) await one.close()
  opened = []
})

const address = (path = '/jwks') => `https://localhost:${server.port}${path}`

/** Why nothing was fetched, as the log has it. */
async function refusal(fetched: Promise<unknown>): Promise<string> {
  const error = await fetched.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof KeySetFetchError)) throw new Error('It was fetched, or failed otherwise', { cause: error })
  expect(error.message).toBe('The key set could not be fetched')
  return error.cause
}

async function listening(listener: Server): Promise<number> {
  const sockets: Socket[] = []
  listener.on('connection', (socket) => sockets.push(socket))
  opened.push({
    close() {
      sockets.forEach((socket) => socket.destroy())
      return new Promise((done) => listener.close(done))
    },
  })
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done))
  return (listener.address() as AddressInfo).port
}

test('a key set is fetched with one plain GET, and answered as what it says', async () => {
  const seen: unknown[] = []
  answer = (request, response) => {
    seen.push([request.method, request.url, Object.keys(request.headers).sort()])
    json(KEYS, { 'content-type': 'application/jwk-set+json; charset=utf-8', 'set-cookie': 'a=b' })(request, response)
  }
  const before = server.connections()
  for (let time = 1; time <= 2; time += 1) {
    expect(await fetchKeySet(address('/jwks?p=1'), named)).toEqual({ keys: [] })
  }
  expect(seen).toEqual(Array(2).fill(['GET', '/jwks?p=1', ['accept', 'accept-encoding', 'connection', 'host']]))
  expect(server.connections()).toBe(before + 2)
})

test.each(['application/json', 'application/jwk-set+json', 'APPLICATION/JSON;charset=utf-8', 'application/json ; a=b'])(
  '%s is JSON',
  async (type) => {
    answer = json(KEYS, { 'content-type': type })
    expect(await fetchKeySet(address(), named)).toEqual({ keys: [] })
  },
)

test.each(['text/html', 'text/json', 'application/jsonp', 'application/javascript', 'application/x+json+xml', ''])(
  '%p is no JSON',
  async (type) => {
    answer = json(KEYS, { 'content-type': type })
    expect(await refusal(fetchKeySet(address(), named))).toBe('the content type is not JSON')
  },
)

test('a redirect is not followed, wherever it leads', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    let requests = 0
    answer = (_, response) => {
      requests += 1
      response.writeHead(status, { location: '/other', 'content-type': 'application/json' }).end(KEYS)
    }
    expect(await refusal(fetchKeySet(address(), named))).toBe(`status ${status}`)
    expect(requests).toBe(1)
  }
})

test('any status but 200 is an error, without a word of the body', async () => {
  answer = (_, response) => response.writeHead(500, { 'content-type': 'application/json' }).end('{"secret":1}')
  expect(await refusal(fetchKeySet(address(), named))).toBe('status 500')
})

test('what is not JSON in UTF-8 is an error, without a word of the body', async () => {
  for (const body of ['<secret>', '', Buffer.from('{"a":"\xff"}', 'latin1')]) {
    answer = json(body)
    expect(await refusal(fetchKeySet(address(), named))).toBe('the body is not JSON')
  }
})

test('1 MiB is read, and a byte more is not, announced or not', async () => {
  const most = `"${'a'.repeat(1_048_574)}"`
  answer = json(most)
  expect(await fetchKeySet(address(), named)).toHaveLength(1_048_574)
  answer = json(`${most} `)
  expect(await refusal(fetchKeySet(address(), named))).toBe('the body is too long')
  let closed: Promise<unknown> = Promise.resolve()
  answer = (_, response) => {
    closed = new Promise((done) => response.on('close', done))
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = () => {
      while (response.write('a'.repeat(65_536)));
    }
    response.on('drain', more)
    more()
  }
  expect(await refusal(fetchKeySet(address(), named))).toBe('the body is too long')
  await closed
})

test('a compressed body is refused as it is', async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000, ' '))
  answer = json(bomb, { 'content-encoding': 'gzip' })
  expect(await refusal(fetchKeySet(address(), named))).toBe('the body is encoded')
  answer = json(bomb)
  expect(await refusal(fetchKeySet(address(), named))).toBe('the body is not JSON')
  answer = json(KEYS, { 'content-encoding': 'identity' })
  expect(await fetchKeySet(address(), named)).toEqual({ keys: [] })
})

test('the time is for everything: the name, the connection, the headers and the last byte', async () => {
  const quick = { timeoutMs: 150 }
  const silent = await listening(createTcpServer())
  const stalled = (hostname: string, resolve: () => Promise<never>) =>
    fetchKeySet(`https://${hostname}/jwks`, strict, { ...quick, resolve })
  expect(await refusal(stalled('id.example.com', () => new Promise(() => {})))).toBe('took too long')
  expect(await refusal(fetchKeySet(`https://localhost:${silent}/`, named, quick))).toBe('took too long')
  answer = () => {}
  expect(await refusal(fetchKeySet(address(), named, quick))).toBe('took too long')
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  }
  expect(await refusal(fetchKeySet(address(), named, quick))).toBe('took too long')
})

test('an answer that breaks off, or is none, is an error', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    response.write(KEYS, () => response.destroy())
  }
  expect(await refusal(fetchKeySet(address(), named))).toBe('ECONNRESET')
  const plain = { allowPrivate: true }
  const garbage = await listening(createTcpServer((socket) => socket.end('220 mail.example.com ESMTP secret\r\n')))
  expect(await refusal(fetchKeySet(`http://127.0.0.1:${garbage}/`, plain))).toMatch(/^HPE_/)
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: secret\r\n\r\n'
  const other = await listening(createTcpServer((socket) => void socket.on('data', () => socket.end(upgrade))))
  expect(await refusal(fetchKeySet(`http://127.0.0.1:${other}/`, plain))).toBe('no answer')
})

test('a certificate must be trusted, and for this very host', async () => {
  answer = json(KEYS)
  const other = await givenTlsServer(json(KEYS), ['id.example.com'])
  opened.push(other)
  expect(await refusal(fetchKeySet(`https://localhost:${other.port}/`, named))).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  await other.close()
  opened = []
  const unknown = await givenTlsServer(json(KEYS))
  unknown.distrust()
  opened.push(unknown)
  expect(await refusal(fetchKeySet(`https://localhost:${unknown.port}/`, named))).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
})

test('http is for issuers of the configuration alone', async () => {
  const port = await listening(createServer(json(KEYS)))
  const url = `http://127.0.0.1:${port}/jwks`
  expect(await fetchKeySet(url, { allowPrivate: true })).toEqual({ keys: [] })
  expect(await refusal(fetchKeySet(url, strict))).toBe('the address must be an https URL')
})

test('an address that is private by its form is not connected to', async () => {
  const before = server.connections()
  for (const host of ['127.0.0.1', 'localhost', '127.1', '[::ffff:127.0.0.1]', 'localhost.'])
    await refusal(fetchKeySet(`https://${host}:${server.port}/jwks`, strict))
  expect(server.connections()).toBe(before)
})

const PRIVATE = ['127.0.0.1', '10.1.2.3', '169.254.169.254', '0:0:0:0:0:0:0:1', '0:0:0:0:0:ffff:a00:1']

test.each(PRIVATE)('a name that leads to %s is not connected to, nor is any other address of it', async (found) => {
  const names = await givenNameServer(() => [found, '93.184.215.14'])
  opened.push(names)
  expect(await refusal(fetchKeySet('https://id.example.com/jwks', strict))).toBe('the host has a private address')
  expect(names.questions()).toBeGreaterThan(0)
})

test('each fetch resolves the name once, and what it gets then is what counts', async () => {
  const answers = ['127.0.0.1', '10.0.0.1']
  let asked = 0
  const resolve = async () => answers.slice(asked++, asked).map((one) => ({ address: one, family: 4 }))
  const again = () => refusal(fetchKeySet('https://id.example.com/', strict, { resolve }))
  expect(await again()).toBe('the host has a private address')
  expect(await again()).toBe('the host has a private address')
  expect(await again()).toBe('the host has no address')
  expect(asked).toBe(3)
})

test('a server that is told to connect to one address alone fetches too', async () => {
  setDefaultAutoSelectFamily(false)
  try {
    answer = json(KEYS)
    expect(await fetchKeySet(address(), named)).toEqual({ keys: [] })
  } finally {
    setDefaultAutoSelectFamily(true)
  }
})

test('a name that nobody knows is an error', async () => {
  opened.push(await givenNameServer(() => []))
  expect(await refusal(fetchKeySet('https://id.example.com/jwks', strict))).toBe('ENODATA')
})
