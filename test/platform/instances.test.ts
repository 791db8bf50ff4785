import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, POSTGRES_URL, startServer, type Person, type TestServer } from '../harness.ts'
import { givenOperator, operate, withinASecond, type Operator } from './given-operator.ts'

/** Two instances on one PostgreSQL; the embedded database has but one, which then stands for both. */
let here: TestServer
let there: TestServer
let operator: Operator

beforeAll(async () => {
  here = await startServer()
  there = POSTGRES_URL ? await startServer({ databaseUrl: here.databaseUrl }) : here
  operator = await givenOperator(here)
})
afterAll(async () => {
  if (there !== here) await there.close()
  await here.close()
})

const isLetIn = async (person: { token: string }) => {
  const { errors } = await there.send('{ me { id } }', { token: person.token })
  if (errors.length > 0) expect(errors.map(({ extensions }) => extensions.reason)).toEqual(['REVOKED'])
  return errors.length === 0
}
const isRefused = async (person: Person) => !(await isLetIn(person))

test('a deactivation on one instance is in force on the other within a second', async () => {
  const person = await givenPerson(here)
  expect(await isLetIn(person)).toBe(true)
  expect((await operate(here, operator, 'deactivate', person.userId)).errors).toEqual([])
  await withinASecond(() => isRefused(person))
})

test('a suspension and its end on one instance are in force on the other within a second', async () => {
  const person = await givenPerson(here)
  for (let round = 0; round < 5; round += 1) {
    expect(await isLetIn(person)).toBe(true)
    expect((await operate(here, operator, 'suspend', person.organizationId)).errors).toEqual([])
    await withinASecond(() => isRefused(person))
    expect((await operate(here, operator, 'reinstate', person.organizationId)).errors).toEqual([])
    await withinASecond(() => isLetIn(person))
  }
})

test('a reinstated organization stays reinstated on the instance that did it', async () => {
  const person = await givenPerson(here)
  const ask = () => here.send('{ me { id } }', { token: person.token })
  await operate(here, operator, 'suspend', person.organizationId)
  expect((await ask()).errors).toHaveLength(1)
  await operate(here, operator, 'reinstate', person.organizationId)
  await withinASecond(async () => (await ask()).errors.length === 0)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect((await ask()).errors).toEqual([])
})

test('an operator who is made or removed on one instance is one, or none, on the other within a second', async () => {
  const other = await givenOperator(here)
  const tree = async () => (await there.send('{ platform { __typename } }', { token: other.token })).errors.length === 0
  expect(await tree()).toBe(true)
  expect((await operate(here, operator, 'revoke', other.userId)).errors).toEqual([])
  await withinASecond(async () => !(await tree()))
})

test('a made-up notification lets no revoked token pass', async () => {
  const person = await givenPerson(here)
  await operate(here, operator, 'suspend', person.organizationId)
  await withinASecond(() => isRefused(person))
  const connection = here.app.services.database.orm.em.getConnection()
  await connection.execute(`select pg_notify('tenantry_revocations', '{"lifted":true}')`)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await isRefused(person)).toBe(true)
})
