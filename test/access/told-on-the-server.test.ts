import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, startServer, type TestServer } from '../harness.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

test('introspection tells what a field requires', async () => {
  const answer = await server.send('{ __type(name: "Query") { fields { name description } } }')
  expect(answer.errors).toEqual([])
  const { fields } = (answer.data as { __type: { fields: { name: string; description: string }[] } }).__type
  const projects = fields.find(({ name }) => name === 'projects')
  expect(projects?.description).toContain('Requires: `read:projects`')
  expect(fields.filter(({ description }) => !description.includes('Requires: '))).toEqual([])
})

test('a token in the address is no credential, and is not logged', async () => {
  const { token } = await givenPerson(server)
  const before = server.logged.length
  const search = new URLSearchParams({ query: '{ me { id } }', access_token: token })
  const response = await fetch(`${server.url}/graphql?${search.toString()}`)
  expect(response.status).toBe(401)
  const { data, errors } = (await response.json()) as { data?: unknown; errors: unknown[] }
  expect(data).toBeUndefined()
  expect(errors).toMatchObject([{ path: ['me'], extensions: { code: 'UNAUTHENTICATED', reason: 'MISSING' } }])
  const linesSince = () => server.logged.slice(before).join('')
  while (!linesSince().includes('"status":401')) await sleep(10)
  for (const part of ['access_token', ...token.split('.')]) expect(linesSince()).not.toContain(part)
})
