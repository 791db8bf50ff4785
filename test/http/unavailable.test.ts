import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { unavailable } from '../../src/errors.ts'
import { databaseFailure, isConflictOfTransactions } from '../../src/database/failures.ts'
import { givenServer, outages, type GivenServer } from './given-server.ts'

let server: GivenServer
beforeAll(async () => {
  server = await givenServer()
})
afterAll(() => server.close())

const thrown = (kind: string) => ({ query: `{ thrown(kind: "${kind}") }` })

describe.each(Object.keys(outages))('a database that cannot serve (%s)', (kind) => {
  test('is answered by 503 with a time to try again, and says nothing of what happened', async () => {
    const response = await server.post(thrown(kind))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({
      errors: [{ path: ['thrown'], extensions: { code: 'UNAVAILABLE', retryAfterSeconds: 1 } }],
    })
    expect(text).not.toContain('hunter2')
    expect(server.lines().filter((line) => line.msg === 'the database failed a request')).not.toEqual([])
  })
})

test('what else of an operation could be served is served', async () => {
  const response = await server.post({ query: '{ hello thrown(kind: "refused") }' })
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ data: { hello: 'Hello you', thrown: null } })
})

test('a context that cannot be made for want of the database is answered by 503', async () => {
  const without = await givenServer({
    createContext: () => {
      throw outages.shutdown?.()
    },
  })
  const response = await without.post({ query: '{ hello }' })
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] })
  expect(without.lines().filter((line) => line.msg === 'the database failed a request')).toHaveLength(1)
  await without.close()
})

test('mistakes of the server stay internal', () => {
  for (const code of ['42501', '42P01', '23505', '22P02', '08', '5310', 'ENOENT', 53100]) {
    expect(databaseFailure(Object.assign(new Error('x'), { code }))).toBeUndefined()
  }
  for (const other of [new Error('x'), unavailable('x'), '53100', { code: '53100' }, null]) {
    expect(databaseFailure(other)).toBeUndefined()
  }
})

test('only what PostgreSQL itself has rolled back for the sake of another transaction may be done again', () => {
  const repeatable = Object.keys(outages).filter((kind) => isConflictOfTransactions(outages[kind]?.()))
  expect(repeatable).toEqual(['conflict', 'deadlock'])
})
