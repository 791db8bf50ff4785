import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Asked, Kind, Plan, Session } from './clients-plan.ts'

// A program of its own, so that what it measures is not what its test does beside. It is told a plan, sends back every
// request that it has made, and ends by itself.

const READ = '{ projects(first: 10) { nodes { id name gateways(first: 3) { nodes { id name } } } } }'
const ME = '{ me { email memberships { role organization { name } } } }'
const WRITE = 'mutation ($name: String!) { createProject(input: { name: $name }) { project { id } } }'
const REFRESH = 'mutation ($token: String!) { refresh(input: { refreshToken: $token }) { accessToken refreshToken } }'
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }'

interface Answer {
  outcome: string
  retryAfterSeconds: number
  data: Record<string, any> | null
}

/** A client with a connection of its own, which is kept; its requests come one after the other. */
function givenClient(url: URL, session: Session) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (query: string, variables: object = {}, isAnonymous = false) =>
    new Promise<Answer>((resolve) => {
      const authorization = isAnonymous ? {} : { authorization: `Bearer ${session.token}` }
      const headers = { 'content-type': 'application/json', ...authorization }
      const sent = request(url, { agent, method: 'POST', headers, timeout: 60_000 }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (data: string) => (text += data))
        response.on('end', () => {
          const retryAfterSeconds = Number(response.headers['retry-after'] ?? 0)
          const { data, errors = [] } = JSON.parse(text) as { data: Answer['data']; errors?: any[] }
          const codes = errors.map(({ extensions }) => String(extensions.code))
          resolve({ outcome: [response.statusCode, ...codes].join(' '), retryAfterSeconds, data })
        })
      })
      sent.on('timeout', () => sent.destroy(new Error('no answer in a minute')))
      sent.on('error', ({ message }) => resolve({ outcome: `no answer: ${message}`, retryAfterSeconds: 0, data: null }))
      sent.end(JSON.stringify({ query, variables }))
    })
  const renewed = ({ data }: Answer, by: 'refresh' | 'login'): void => {
    if (data?.[by]) Object.assign(session, { token: data[by].accessToken, refreshToken: data[by].refreshToken })
  }
  const kinds: Record<Kind, () => Promise<Answer>> = {
    read: () => send(READ),
    me: () => send(ME),
    write: () => send(WRITE, { name: `made at ${Date.now()}` }),
    async refresh() {
      const answer = await send(REFRESH, { token: session.refreshToken }, true)
      renewed(answer, 'refresh')
      return answer
    },
    async login() {
      const answer = await send(LOGIN, { input: { email: session.email, password: session.password } }, true)
      renewed(answer, 'login')
      return answer
    },
  }
  return { ask: (kind: Kind) => kinds[kind](), leave: () => agent.destroy() }
}

/** What a client does next, by the shares of the plan. */
function chosen(shares: Plan['shares']): Kind {
  let left = Math.random()
  for (const [kind, share] of Object.entries(shares) as [Kind, number][]) {
    left -= share
    if (left < 0) return kind
  }
  return 'read'
}

async function run({ url, sessions, seconds, pauseMs, shares, loginEveryMs }: Plan): Promise<Asked[]> {
  const asked: Asked[] = []
  const began = performance.now()
  const now = () => performance.now() - began
  const endMs = seconds * 1_000
  const [least, most] = pauseMs
  let nextLoginMs = loginEveryMs ?? Infinity
  const nextOf = (): Kind => {
    if (now() < nextLoginMs) return chosen(shares)
    nextLoginMs += loginEveryMs ?? Infinity
    return 'login'
  }

  async function live(session: Session): Promise<void> {
    const client = givenClient(new URL('/graphql', url), session)
    // They do not all come at once.
    await sleep(Math.random() * most)
    while (now() < endMs) {
      const [kind, atMs] = [nextOf(), now()]
      const { outcome, retryAfterSeconds } = await client.ask(kind)
      const tookMs = Math.round((now() - atMs) * 100) / 100
      asked.push({ kind, atMs: Math.round(atMs), tookMs, outcome, retryAfterSeconds })
      await sleep(Math.max(least + Math.random() * (most - least), retryAfterSeconds * 1_000))
    }
    client.leave()
  }
  await Promise.all(sessions.map(live))
  return asked
}

process.once('message', (plan: Plan) => {
  run(plan).then(
    (asked) => process.send?.(asked, () => process.exit(0)),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
// Nobody is left to be told.
process.once('disconnect', () => process.exit(1))
