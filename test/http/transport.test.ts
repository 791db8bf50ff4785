import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connect } from 'node:net'
import { answerOf, givenServer, touched, type GivenServer } from './given-server.ts'

let server: GivenServer
beforeAll(async () => {
  server = await givenServer()
})
afterAll(() => server.close())

const json = { 'content-type': 'application/json' }
const graphql = (init?: RequestInit, search = ''): Promise<Response> => fetch(`${server.url}/graphql${search}`, init)
const mutation = JSON.stringify({ query: 'mutation { touch }' })
const hello = `?query=${encodeURIComponent('{ hello }')}`

/** Sends bytes as they are, for what no HTTP client would send. @returns the whole answer. */
function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(request))
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => (answer += text))
    socket.on('close', () => resolve(answer)).on('error', reject)
  })
}

async function expectRefused(response: Response, status: number): Promise<void> {
  expect(response.status).toBe(status)
  expect((await answerOf(response)).errors?.map((error) => error.extensions.code)).toEqual(['BAD_REQUEST'])
  expect(response.headers.get('cache-control')).toBe('no-store')
}

describe('a request that a page of another site can send unasked', () => {
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; charset=utf-8',
  ]
  for (const type of types) {
    test(`runs no mutation as ${type}`, async () => {
      const before = touched.times
      await expectRefused(await graphql({ method: 'POST', headers: { 'content-type': type }, body: mutation }), 415)
      expect(touched.times).toBe(before)
    })
  }

  test('runs no mutation without a content type', async () => {
    const before = touched.times
    await expectRefused(await graphql({ method: 'POST', body: new Blob([mutation]) }), 415)
    expect(touched.times).toBe(before)
  })

  const crossSite: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { cookie: 'session=1' },
    { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140' },
  ]
  for (const headers of crossSite) {
    test(`runs no query by GET with ${JSON.stringify(headers)}`, async () => {
      const response = await graphql({ headers }, hello)
      await expectRefused(response, 400)
    })
  }

  test('is served once it carries a header that needs a preflight', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'apollo-require-preflight': 'true' }
    expect((await graphql({ headers }, hello)).status).toBe(200)
  })
})

describe('a GET', () => {
  test('runs queries', async () => {
    const response = await graphql({}, hello)
    expect(await answerOf(response)).toEqual({ data: { hello: 'Hello you' } })
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('runs no mutation', async () => {
    const before = touched.times
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const response = await graphql({ headers: { accept } }, `?query=${encodeURIComponent('mutation { touch }')}`)
      expect(response.headers.get('allow')).toBe('POST')
      await expectRefused(response, 405)
    }
    expect(touched.times).toBe(before)
  })

  test('with odd parameters is a fault of the client', async () => {
    for (const search of ['', '?query=', `${hello}&query=x`, `${hello}&variables=[1]`, `${hello}&extensions=x`]) {
      await expectRefused(await graphql({}, search), 400)
    }
  })
})

test('other methods are 405', async () => {
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const response = await graphql({ method, headers: json, body: mutation })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST'])
  }
})

describe('a body', () => {
  test('of an array of operations runs none of them', async () => {
    const before = touched.times
    await expectRefused(await server.post([{ query: 'mutation { touch }' }, { query: '{ hello }' }]), 400)
    expect(touched.times).toBe(before)
  })

  test('that is no object of a query is refused', async () => {
    const bodies = [
      '',
      '{',
      'null',
      '1',
      '"x"',
      '[]',
      '{}',
      '{"query":1}',
      '{"query":{"kind":"Document"}}',
      '{"__proto__":{}}',
    ]
    for (const body of bodies) await expectRefused(await server.post(body), 400)
  })

  test('beyond the limit is refused, declared or not', async () => {
    const large = JSON.stringify({ query: `{ hello } #${'x'.repeat(110_000)}` })
    const response = await server.post(large)
    expect(response.status).toBe(413)
    expect((await answerOf(response)).errors?.[0]?.extensions).toEqual({
      code: 'OPERATION_TOO_LARGE',
      limit: 'bodyBytes',
      maximum: 102_400,
    })
    const chunks = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`
    const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n'
    expect(await raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`)).toMatch(/^HTTP\/1.1 413 /)
  })

  test('in UTF-8 is read, labelled or not', async () => {
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/json;charset="UTF-8"']) {
      const response = await server.post({ query: '{ hello(name: "Zoë 🏃") }' }, { 'content-type': type })
      expect((await answerOf(response)).data).toEqual({ hello: 'Hello Zoë 🏃' })
    }
  })

  test('in any other charset, encoding or type is refused', async () => {
    const body = JSON.stringify({ query: '{ hello }' })
    const refused: Record<string, string>[] = [
      { 'content-type': 'application/json; charset=latin1' },
      { 'content-type': 'application/json; charset=utf-16' },
      { 'content-type': 'application/json; charset=utf-7' },
      { ...json, 'content-encoding': 'gzip' },
      { 'content-type': 'application/graphql' },
      { 'content-type': 'application/xml' },
      { 'content-type': ';;;' },
    ]
    for (const headers of refused) await expectRefused(await graphql({ method: 'POST', headers, body }), 415)
    const latin1 = Buffer.from('{"query":"{ hello(name: \\"Zo\xeb\\") }"}', 'latin1')
    await expectRefused(await graphql({ method: 'POST', headers: json, body: latin1 }), 400)
    const utf16 = Buffer.from(body, 'utf16le')
    await expectRefused(await graphql({ method: 'POST', headers: json, body: utf16 }), 400)
  })

  test('for which no answer is acceptable runs nothing', async () => {
    const before = touched.times
    for (const accept of ['text/html', 'image/png', 'application/json;q=0', 'multipart/mixed']) {
      await expectRefused(await server.post(mutation, { accept }), 406)
    }
    expect(touched.times).toBe(before)
  })
})

describe('the media type of an answer', () => {
  const cases: [string, string][] = [
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/graphql-response+json', 'application/graphql-response+json'],
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json, application/graphql-response+json', 'application/json'],
    ['application/json;q=0.5, application/graphql-response+json', 'application/graphql-response+json'],
    ['text/html, */*;q=0.1', 'application/json'],
  ]
  for (const [accept, expected] of cases) {
    test(`is ${expected} for ${accept}`, async () => {
      const response = await server.post({ query: '{ hello }' }, { accept })
      expect(response.headers.get('content-type')).toBe(`${expected}; charset=utf-8`)
    })
  }
})

describe('a hostile request', () => {
  test('with a Host that is none is a fault of the client', async () => {
    for (const host of ['[', 'a b', '%', 'x:99999', '']) {
      const head = `GET /graphql${hello} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
      expect(await raw(head)).toMatch(/^HTTP\/1.1 [24]00 /)
    }
    expect(await raw(`GET /graphql${hello} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1.1 [24]00 /)
  })

  test('with a URL that cannot be decoded is a fault of the client', async () => {
    const response = await fetch(`${server.url}/%E0%A4%A`)
    expect(response.status).toBe(400)
    expect(await response.text()).not.toContain('%E0')
  })

  test('for what is not there is 404, without an echo of what was asked', async () => {
    const response = await fetch(`${server.url}/nothing/%3Cscript%3E`)
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain('script')
  })
})

test('persisted queries are refused unless a setting allows them', async () => {
  const persistedQuery = { version: 1, sha256Hash: 'a'.repeat(64) }
  const { errors } = await answerOf(await server.post({ extensions: { persistedQuery } }))
  expect(errors).toMatchObject([
    { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } },
  ])
})
