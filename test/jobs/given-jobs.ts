import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from '@jest/globals'
import { sendTo, type Person, type TestServer } from '../harness.ts'
import { asOwner, givenLogin } from '../session/given-sessions.ts'

export const DAY_MS = 86_400_000
export const SECRET = 'a secret of the webhook, for tests alone'

/** A request as the receiver got it. */
export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Receiver {
  url: string
  received: Received[]
  /** How it answers from now on: 204 unless told otherwise. */
  answer: (response: ServerResponse, path: string) => void
  close(): Promise<void>
}

/** An answer without a body. */
export const status = (code: number, headers: Record<string, string> = {}) => {
  return (response: ServerResponse) => void response.writeHead(code, headers).end()
}

/** Somebody's HTTP server, which is told of events. */
export async function givenReceiver(): Promise<Receiver> {
  const receiver: Receiver = { url: '', received: [], answer: status(204), close: async () => {} }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      receiver.received.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString() })
      receiver.answer(response, path)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?tag=in-the-query`
  receiver.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return receiver
}

/** The settings of a server that tells this receiver. */
export const telling = ({ url }: Receiver) => ({ WEBHOOK_URL: url, WEBHOOK_SECRET: SECRET })

/** What the jobs do now. */
export const runJobs = (server: TestServer): Promise<void> => server.app.services.jobs.run()

/** The notices of expiring keys in the audit trail, oldest first, whole. */
export function notices(server: TestServer) {
  return asOwner<{ organization_id: string; target_id: string; details: { daysLeft: number; expiresAt: string } }>(
    server,
    `select organization_id, target_id, details from audit_events where action = 'api_key.expiring' order by created_at, id`,
  )
}

/** The days left of each notice of a key, oldest first. */
export async function toldOf(server: TestServer, keyId: string): Promise<number[]> {
  const all = await notices(server)
  return all.filter(({ target_id }) => target_id === keyId).map(({ details }) => details.daysLeft)
}

/** The notices as the organization's admin sees them, who signs in for it. */
export async function seenBy(server: TestServer, admin: Person): Promise<Record<string, unknown>[]> {
  const { token } = await givenLogin(server, admin, admin.organizationId)
  const answer = await sendTo(
    server.url,
    `{ auditEvents(filter: { action: "api_key.expiring" }) {
      nodes { actorKind actorId targetType targetId succeeded ipAddress userAgent requestId createdAt }
    } }`,
    { token },
  )
  expect(answer.errors).toEqual([])
  return answer.data.auditEvents.nodes
}

/** What the server has logged with this message. */
export function loggedAs(server: TestServer, message: string): any[] {
  return server.logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message)
}

export const deliveries = (server: TestServer) =>
  asOwner<{ id: string; attempts: number; delivered_at: unknown; failed_at: unknown }>(
    server,
    'select id, attempts, delivered_at, failed_at from webhook_deliveries order by created_at, id',
  )
