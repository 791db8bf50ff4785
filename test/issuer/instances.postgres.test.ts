import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { withoutChannel } from '../principal/given-channel.ts'
import { askAs, DISABLE, givenProvider, givenRegistration, onThisMachine, type Provider } from './given-registration.ts'

let here: TestServer
let there: TestServer
let provider: Provider

beforeAll(async () => {
  here = await startServer({ settings: onThisMachine })
  there = await startServer({ settings: onThisMachine, databaseUrl: here.databaseUrl })
  provider = await givenProvider()
})
afterAll(async () => {
  await provider.close()
  await there.close()
  await here.close()
})

/** Somebody with an issuer whose tokens are accepted by both instances. */
async function givenAccepted(): Promise<{
  person: Person
  disable: () => Promise<void>
  ask: () => ReturnType<typeof askAs>
}> {
  const person = await givenPerson(here)
  const { id } = await givenRegistration(here, person, provider.issuer)
  const ask = () => askAs(there, provider.token(), person.organizationId)
  for (let time = 1; time <= 2; time += 1) expect((await ask()).errors).toEqual([])
  const disable = async () => {
    const answer = await here.send(DISABLE, { token: person.token, variables: { input: { id } } })
    expect(answer.errors).toEqual([])
  }
  return { person, disable, ask }
}

test('an issuer that is disabled by one instance is refused by the other within a second', async () => {
  const { disable, ask } = await givenAccepted()
  await disable()
  const start = performance.now()
  while ((await ask()).errors.length === 0) expect(performance.now() - start).toBeLessThan(1_000)
  expectError(await ask(), 'UNAUTHENTICATED', 'INVALID')
})

test('with the channel cut, it is refused all the same', async () => {
  const { disable, ask } = await givenAccepted()
  await withoutChannel(there.databaseUrl ?? '', async () => {
    await disable()
    expectError(await ask(), 'UNAUTHENTICATED', 'INVALID')
  })
})

test('one that is registered with one instance is accepted by the other at once', async () => {
  const { person, disable, ask } = await givenAccepted()
  await disable()
  await givenRegistration(here, person, provider.issuer)
  expect((await ask()).errors).toEqual([])
})
