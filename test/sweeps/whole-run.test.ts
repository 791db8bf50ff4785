import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { ownerOf } from '../database/given-database.ts'
import { run } from '../given-process.ts'
import { givenPerson, startServer } from '../harness.ts'
import { sendForm } from '../oauth/given-oauth.ts'

/** Lets somebody plant a secret in a server, and closes it. @returns what its sweep has found. */
async function sweepAfter(plant: (server: Awaited<ReturnType<typeof startServer>>) => Promise<void>): Promise<string> {
  const server = await startServer()
  await plant(server)
  return server.close().then(
    () => '',
    (error: unknown) => String(error),
  )
}

test('a server that keeps its secrets is closed without a word', async () => {
  const found = await sweepAfter(async (server) => {
    await givenPerson(server)
  })
  expect(found).toBe('')
})

test("a token's end in the log fails the test file that it happens in", async () => {
  const found = await sweepAfter(async (server) => {
    const { token } = await givenPerson(server)
    server.app.services.log.info({ note: token.slice(-16) })
  })
  expect(found).toMatch(/a line of the log holds (a credential|accessToken|authorization): /)
})

test('a password that was refused, in the audit trail, is found', async () => {
  const password = `guessed ${randomUUID()}`
  const found = await sweepAfter(async (server) => {
    const login = `mutation ($password: String!) { login(input: { email: "a@example.test", password: $password }) { accessToken } }`
    await server.send(login, { variables: { password } })
    const owner = await ownerOf(server.app.services.database, server.databaseUrl)
    await owner.run(
      `insert into audit_events (id, action, succeeded, user_agent) values (gen_random_uuid(), 'planted', true, $1)`,
      [`as ${password}`],
    )
    await owner.end()
  })
  expect(found).toContain('an audit event holds password: ')
  expect(found).not.toContain(password)
})

test('a secret of a form, in the error that answers another request, is found', async () => {
  const secret = `leaked${randomUUID().replaceAll('-', '')}`
  const found = await sweepAfter(async (server) => {
    await sendForm(server, '/oauth/token', { grant_type: 'client_credentials', client_id: 'x', client_secret: secret })
    await server.send(`{ ${secret} }`)
  })
  expect(found).toContain('an answer holds client_secret: ')
})

test('a key of the server itself is found', async () => {
  const found = await sweepAfter(async ({ app }) => {
    app.services.log.warn(`signed with ${String(app.services.config.tokens.secret)}`)
  })
  expect(found).toContain('a line of the log holds JWT_SECRET: ')
})

test("the log of a server's own process is looked through, and what it prints for a person is not", async () => {
  const env = { JWT_SECRET: `a secret for ${randomUUID()}` }
  const printing = (text: string) => run(process.execPath, ['-e', `console.log(${text})`], { env })
  await expect(printing('JSON.stringify({ note: process.env.JWT_SECRET })')).rejects.toThrow(
    'a line of the log holds JWT_SECRET: {"note":"a secret for ',
  )
  expect(await printing('process.env.JWT_SECRET')).toMatchObject({ code: 0, stdout: `${env.JWT_SECRET}\n` })
})
