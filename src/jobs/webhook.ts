import { Webhook } from 'standardwebhooks'

const TIMEOUT_MS = 10_000

/** Where events are posted, and what signs them. */
export interface WebhookReceiver {
  url: string
  secret: string
}

/** An event as its receiver gets it. */
export interface WebhookEvent {
  /** The same at every attempt, so that the receiver knows what it has had already. */
  id: string
  type: string
  /** When it happened. */
  createdAt: Date
  data: Record<string, unknown>
}

/**
 * What is posted, in the format of standardwebhooks.com: the signature is the HMAC-SHA-256, under the bytes of the secret,
 * of id, time of the attempt and body.
 */
export function signedRequest(secret: string, { id, type, createdAt, data }: WebhookEvent, at: Date) {
  const body = JSON.stringify({ type, timestamp: createdAt.toISOString(), data })
  const key = new Webhook(new TextEncoder().encode(secret), { format: 'raw' })
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Tenantry',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': key.sign(id, at, body),
  }
  return { body, headers }
}

/** A name and password in the URL are sent as a header: fetch takes none in a URL, and tells the whole of it in its error. */
function addressOf(given: string): { url: URL; authorization?: string } {
  const url = new URL(given)
  const { username, password } = url
  if (!username && !password) return { url }
  url.username = ''
  url.password = ''
  const credentials = [username, password].map(decodeURIComponent).join(':')
  return { url, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
}

/** Why nothing came back, without the message: it may hold the URL. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } }
  if (typeof cause?.code === 'string') return cause.code
  return typeof name === 'string' ? name : 'unknown'
}

/**
 * Posts an event. Only an answer of 2xx counts: a redirect leads where nobody has set the secret. No answer is read.
 * @returns null where it was taken, else why not.
 */
export async function postWebhook(
  { url: given, secret }: WebhookReceiver,
  event: WebhookEvent,
  at: Date,
  stopping: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<string | null> {
  try {
    const { url, authorization } = addressOf(given)
    const { body, headers } = signedRequest(secret, event, at)
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { ...headers, ...(authorization && { authorization }) },
      body,
      signal: AbortSignal.any([stopping, AbortSignal.timeout(timeoutMs)]),
    })
    await response.body?.cancel().catch(() => {})
    return response.ok ? null : `status ${response.status}`
  } catch (error) {
    return reasonOf(error)
  }
}
