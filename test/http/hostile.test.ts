import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { answerOf, givenServer, testConfig, type Answer, type GivenServer } from './given-server.ts'
import { hostileDocuments } from './hostile-documents.ts'

const circle = { root: 'project(id: 1)', type: 'Project', round: ['parent'], list: 'projects' }
const documents = hostileDocuments(circle)

let server: GivenServer
beforeAll(async () => {
  server = await givenServer({ config: { requestTimeoutMs: 1_000 } })
})
afterAll(() => server.close())

/** Others are served all the while. */
const expectServing = async (): Promise<void> => {
  expect(await answerOf(await server.post({ query: '{ hello }' }))).toEqual({ data: { hello: 'Hello you' } })
}

const codesOf = ({ errors }: Answer) => new Set(errors?.map(({ extensions }) => extensions.code))

describe('a hostile document is refused with 400 and a code, at once', () => {
  const accept = 'application/graphql-response+json'
  test.each(documents)('$name', async ({ query, limit }) => {
    const start = performance.now()
    const response = await server.post({ query }, { accept })
    const answer = await answerOf(response)
    expect(performance.now() - start).toBeLessThan(2_000)
    expect(answer.data).toBeUndefined()
    expect(response.status).toBe(400)
    if (limit === null) for (const code of codesOf(answer)) expect(code).toMatch(/^GRAPHQL_(PARSE|VALIDATION)_FAILED$/)
    else expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'OPERATION_TOO_LARGE', limit })
    await expectServing()
  })

  const deepest = [
    { name: '30,000 levels of fragments', query: `${'{ ... '.repeat(30_000)}{ __typename }${'}'.repeat(30_000)}` },
    { name: '30,000 levels of fields', query: `${'{ a '.repeat(30_000)}${'}'.repeat(30_000)}` },
    { name: '40,000 levels of a list', query: `{ echo(list: ${'['.repeat(40_000)}${']'.repeat(40_000)}) }` },
    { name: '20,000 levels of an object', query: `{ echo(input: ${'{ a: '.repeat(20_000)}1${'}'.repeat(20_000)}) }` },
    { name: '40,000 levels of a type', query: `query ($a: ${'['.repeat(40_000)}Int${']'.repeat(40_000)}) { hello }` },
  ]
  test.each([...documents, ...deepest])('with the limits at their highest, too: $name', async ({ query }) => {
    const config = { bodyLimitBytes: 10_000_000 }
    const limits = { ...testConfig.limits, maxTokens: 100_000, maxDepth: 100, maxAliases: 1_000, maxDirectives: 1_000 }
    const lenient = await givenServer({ config: { ...config, limits: { ...limits, maxRootFields: 1_000 } } })
    const start = performance.now()
    const response = await lenient.post({ query }, { accept })
    const answer = await answerOf(response)
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(codesOf(answer)).not.toContain('INTERNAL_SERVER_ERROR')
    expect(response.status).toBeLessThan(500)
    await lenient.close()
  })
})

/** A connection on which bytes are sent as they are. */
function givenSocket(): { socket: Socket; answered: Promise<string> } {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => (answer += text))
  socket.on('error', () => {})
  return { socket, answered: new Promise((resolve) => socket.on('close', () => resolve(answer))) }
}

const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const bodyOf = (response: string): unknown => JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4))

describe('a body', () => {
  test.each([
    ['declared', true],
    ['in chunks of no declared length', false],
  ])('of 20 MB is 413, %s, and is kept nowhere', async (_, isDeclared) => {
    const size = 20 * 1_024 * 1_024
    const piece = Buffer.alloc(64 * 1_024, 'x')
    const { socket, answered } = givenSocket()
    const before = process.memoryUsage().arrayBuffers
    socket.write(`${head}${isDeclared ? `Content-Length: ${size}` : 'Transfer-Encoding: chunked'}\r\n\r\n`)
    let response = ''
    socket.on('data', (text: string) => (response += text))
    for (let sent = 0; sent < size && socket.writable; sent += piece.length) {
      if (!isDeclared) socket.write(`${piece.length.toString(16)}\r\n`)
      if (!socket.write(piece)) await Promise.race([sleep(200), new Promise((done) => socket.once('drain', done))])
      if (!isDeclared) socket.write('\r\n')
    }
    if (!isDeclared) socket.write('0\r\n\r\n')
    while (!response.includes('}]}')) await sleep(10)
    expect(response).toMatch(/^HTTP\/1\.1 413 /)
    expect(bodyOf(response)).toMatchObject({
      errors: [{ extensions: { code: 'OPERATION_TOO_LARGE', limit: 'bodyBytes', maximum: 102_400 } }],
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size / 2)
    await expectServing()
    socket.destroy()
    await answered
  })

  test.each([
    ['that stops in the middle', `${head}Content-Length: 100\r\n\r\n{"query":`],
    ['whose headers never end', `${head}X-Slow: `],
    ['of which nothing comes', `${head}Content-Length: 100\r\n\r\n`],
  ])('%s is 408 with a code, and its connection is closed', async (_, sent) => {
    const { socket, answered } = givenSocket()
    const start = performance.now()
    socket.write(sent)
    await expectServing()
    const response = await answered
    expect(performance.now() - start).toBeLessThan(4_000)
    expect(response).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nConnection: close\r\n/)
    expect(bodyOf(response)).toEqual({
      errors: [{ message: 'The request took longer than 1000 ms to arrive', extensions: { code: 'TIMEOUT' } }],
    })
  })

  test('of which a byte comes at a time is 408 all the same', async () => {
    const { socket, answered } = givenSocket()
    socket.write(`${head}Content-Length: 1000\r\n\r\n`)
    const drip = setInterval(() => socket.writable && socket.write('x'), 50)
    expect(await answered).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(drip)
  })

  test('in a hundred connections that are slow holds up nobody, and all of them end', async () => {
    const slow = Array.from({ length: 100 }, givenSocket)
    for (const { socket } of slow) socket.write(`${head}Content-Length: 100\r\n\r\n{`)
    for (let time = 0; time < 10; time += 1) await expectServing()
    const ended = await Promise.all(slow.map(({ answered }) => answered))
    expect(ended.every((answer) => answer.startsWith('HTTP/1.1 408 '))).toBe(true)
  })
})

describe('what is no HTTP is refused in the form of a GraphQL error', () => {
  test.each([
    ['rubbish', 'rubbish\r\n\r\n', 400, 'BAD_REQUEST'],
    ['headers that are too large', `${head}X-Large: ${'x'.repeat(100_000)}\r\n\r\n`, 431, 'BAD_REQUEST'],
  ])('%s', async (_, sent, status, code) => {
    const { socket, answered } = givenSocket()
    socket.write(sent)
    const response = await answered
    expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(bodyOf(response)).toMatchObject({ errors: [{ extensions: { code } }] })
    await expectServing()
  })
})
