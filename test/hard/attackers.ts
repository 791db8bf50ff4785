import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { hostileDocuments, type Circle } from '../http/hostile-documents.ts'

// Runs in a thread of its own: what attacks must not hold up those who measure.

/** What is attacked, as whom. */
export interface Target {
  url: string
  token: string
  circle: Circle
}

/** How often each answer was given, by what was sent: `documents 400 OPERATION_TOO_LARGE`. */
export type Told = Map<string, number>

const PAUSE_MS = 20
const LARGE_PAUSE_MS = 500
const SLOW_CONNECTIONS = 50
const LARGE = Buffer.alloc(20 * 1_024 * 1_024, 'x')

/** Attacks in all ways at once until it is told to stop: hostile documents, bodies of 20 MB, slow bodies, clients that hang up. */
function attack({ url, token, circle }: Target) {
  const told: Told = new Map()
  const state = { isStopped: false }
  const tell = (what: string) => void told.set(what, (told.get(what) ?? 0) + 1)
  const repeat = async (pauseMs: number, once: () => Promise<void>): Promise<void> => {
    while (!state.isStopped) {
      await once()
      await sleep(pauseMs)
    }
  }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json',
    authorization: `Bearer ${token}`,
  }
  const send = (body: string | Buffer, signal?: AbortSignal) =>
    fetch(`${url}/graphql`, { method: 'POST', headers, body, ...(signal && { signal }) })

  const bodies = hostileDocuments(circle).map(({ query }) => JSON.stringify({ query }))
  const documents = async () => {
    for (const body of bodies) {
      const answer = await send(body)
      const { errors } = (await answer.json()) as { errors?: { extensions: { code: string } }[] }
      tell(`documents ${answer.status} ${errors?.[0]?.extensions.code}`)
      await sleep(PAUSE_MS)
    }
  }
  const large = async () => {
    // A client that is still sending may find the connection closed before it has read the answer.
    const outcome = await send(LARGE).then(
      async (answer) => `${answer.status} ${await answer.text().then((text) => /"code":"(\w+)"/.exec(text)?.[1])}`,
      () => 'no answer',
    )
    tell(`large ${outcome}`)
  }
  const leave = async () => {
    const leaving = new AbortController()
    const query = `{ ${circle.list}(first: 100) { nodes { name gateways(first: 10) { nodes { name } } } } }`
    const answer = send(JSON.stringify({ query }), leaving.signal).catch(() => null)
    await sleep(Math.random() * 20)
    leaving.abort()
    await answer
  }
  const slow = () => sendSlowly(url).then((status) => tell(`slow ${status}`))

  const working = [
    repeat(PAUSE_MS, documents),
    repeat(LARGE_PAUSE_MS, large),
    repeat(PAUSE_MS, leave),
    ...Array.from({ length: SLOW_CONNECTIONS }, () => repeat(PAUSE_MS, slow)),
  ]
  return {
    async stop(): Promise<Told> {
      state.isStopped = true
      await Promise.all(working)
      return told
    },
  }
}

/** Begins a request and does not go on with it. @returns the status that it is answered with */
function sendSlowly(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'
  const socket = connect(Number(port), hostname, () => void socket.write(head))
  let answer = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => (answer += text))
  socket.on('error', () => {})
  return new Promise((resolve) => socket.on('close', () => resolve(answer.slice(9, 12))))
}

const attacking = attack(workerData as Target)
parentPort?.once('message', () => {
  void attacking.stop().then((told) => parentPort?.postMessage(told))
})
