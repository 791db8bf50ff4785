import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { MOST_DOCUMENTS } from '../../src/documents/trusted-document-table.ts'
import { givenKeeper, hashOf, type Keeper } from '../documents/given-documents.ts'
import { run } from '../given-process.ts'
import { givenPerson, startServer, type TestServer } from '../harness.ts'
import { commandsIn, pageOf } from './code-blocks.ts'

const page = pageOf('docs/trusted-documents.md')
const document = /^```graphql\n([\s\S]*?)\n```$/m.exec(page)?.[1] ?? ''
const answer = /answer `(\{.*\})`/.exec(page)?.[1]

let server: TestServer
let keeper: Keeper
let token: string

beforeAll(async () => {
  server = await startServer({ settings: { TRUSTED_DOCUMENTS: 'require' } })
  keeper = await givenKeeper(server)
  ;({ token } = await givenPerson(keeper.settingUp))
  await keeper.trust(document)
})
afterAll(async () => {
  await keeper?.end()
  await server?.close()
})

test('the page shows three ways to name a document', () => {
  expect(commandsIn(page)).toHaveLength(3)
})

test.each(commandsIn(page))('%s', async (command) => {
  const here = command.replaceAll('http://127.0.0.1:4000', server.url)
  const { stdout, code } = await run('bash', ['-c', here], { env: { TOKEN: token } })
  expect({ code, stdout: stdout.trim() }).toEqual({ code: 0, stdout: answer })
})

test('every hash on the page is that of the document on the page', () => {
  expect(new Set(page.match(/\b[0-9a-f]{64}\b/g))).toEqual(new Set([hashOf(document)]))
})

test('the page says how many documents can be held', () => {
  expect(page).toContain(`Up to ${MOST_DOCUMENTS.toLocaleString('en')} can be held`)
})
