import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { oauthPaths } from '../../src/oauth/metadata.ts'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { run } from '../given-process.ts'
import { givenPerson, startServer, type TestServer } from '../harness.ts'
import { givenIssuer, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { pageOf } from './code-blocks.ts'

const page = pageOf('docs/oauth.md')
const requests = [...page.matchAll(/^```bash\n([\s\S]*?)^```\n\n```json\n([\s\S]*?)^```$/gm)]

let server: TestServer
let issuer: Issuer
let env: Record<string, string>

beforeAll(async () => {
  issuer = await givenIssuer()
  server = await startServer({ settings: trusting([issuer]) })
  const { token, refreshToken, organizationId } = await givenPerson(server)
  const { id, secret } = await givenApiKey(server, { token })
  const external = issuer.token({ organization: organizationId })
  env = { KEY_ID: id, KEY: secret, TOKEN: token, REFRESH_TOKEN: refreshToken, EXTERNAL: external }
})
afterAll(async () => {
  await server?.close()
  await issuer?.close()
})

test('the page shows a request of each kind', () => {
  expect(requests).toHaveLength(5)
})

test.each(requests.map(([, command = '', answer = '']) => [command, answer]))('%s', async (command, answer) => {
  const here = command.replaceAll('http://127.0.0.1:4000', server.url)
  const { stdout, code } = await run('bash', ['-c', here], { env })
  expect(code).toBe(0)
  expect(Object.keys(JSON.parse(stdout) as object)).toEqual(Object.keys(JSON.parse(answer) as object))
})

test('the page names every path', () => {
  const named = [...page.matchAll(/^\| `(\/[\w./-]+)` +\|/gm)].map(([, path]) => path)
  expect(named.sort()).toEqual([...Object.values(oauthPaths), '/.well-known/oauth-authorization-server'].sort())
})
