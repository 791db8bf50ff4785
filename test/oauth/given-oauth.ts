import { createServer, type AddressInfo } from 'node:net'
import { startServer, type TestServer } from '../harness.ts'
import { ecPem } from '../principal/given-tokens.ts'

/** A server with an address that clients can discover it at, and keys that they can verify its tokens with. */
export async function givenOAuthServer(
  settings: Record<string, string> = {},
  others: Omit<NonNullable<Parameters<typeof startServer>[0]>, 'settings'> = {},
): Promise<TestServer> {
  const port = await freePort()
  const own = { PORT: String(port), JWT_ISSUER: `http://127.0.0.1:${port}`, JWT_SECRET: '', JWT_PRIVATE_KEY: ecPem() }
  return startServer({ settings: { ...own, ...settings }, ...others })
}

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** An answer of an OAuth endpoint. */
export interface OAuthAnswer {
  status: number
  headers: Headers
  // Tests read deep into answers of many shapes.
  body: any
}

/** Who sends a request: the id and secret of an API key, by `client_secret_basic`. */
export interface Credentials {
  id: string
  secret: string
}

export const basic = ({ id, secret }: Credentials) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

/** Sends a form to an OAuth endpoint. */
export async function sendForm(
  server: Pick<TestServer, 'url'>,
  path: string,
  parameters: Record<string, string> | string,
  { client, headers = {} }: { client?: Credentials | null; headers?: Record<string, string> } = {},
): Promise<OAuthAnswer> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(client && { authorization: basic(client) }),
      ...headers,
    },
    body: typeof parameters === 'string' ? parameters : new URLSearchParams(parameters).toString(),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}
