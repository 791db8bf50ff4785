import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, startServer, type TestServer } from '../../harness.ts'
import {
  askAs,
  DISABLE,
  givenProvider,
  givenRegistration,
  onThisMachine,
  type Provider,
} from '../../issuer/given-registration.ts'

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

test('the keys of an issuer that is disabled are forgotten, on every instance', async () => {
  const person = await givenPerson(here)
  const { id } = await givenRegistration(here, person, provider.issuer)
  const instances = [here, there]
  const trusted = await Promise.all(
    instances.map(async ({ app: { services } }) => {
      const issuer = await services.external.issuers.find(provider.issuer, person.organizationId)
      return issuer ?? Promise.reject(new Error('It is not trusted'))
    }),
  )
  const isHeld = () =>
    instances.map(
      ({ app: { services } }, index) =>
        services.external.keys.held(trusted[index]!, { alg: 'ES256', kid: 'first' }) !== null,
    )
  for (const one of instances) expect((await askAs(one, provider.token(), person.organizationId)).errors).toEqual([])
  expect(isHeld()).toEqual([true, true])
  const answer = await here.send(DISABLE, { token: person.token, variables: { input: { id } } })
  expect(answer.errors).toEqual([])
  expect(isHeld()[0]).toBe(false)
  // The other hears of it: a test that waits for ever says that it does not.
  while (isHeld()[1]) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('an organization that registers, uses and disables an issuer over and over has it asked twenty times a minute', async () => {
  const now = new Date()
  const limited = await startServer({ settings: onThisMachine, clock: () => now })
  try {
    const person = await givenPerson(limited)
    const before = provider.connections()
    const statuses: number[] = []
    for (let round = 0; round < 25; round += 1) {
      const { id } = await givenRegistration(limited, person, provider.issuer, { jwksUri: provider.jwksUri })
      statuses.push((await askAs(limited, provider.token(), person.organizationId)).status)
      await limited.send(DISABLE, { token: person.token, variables: { input: { id } } })
    }
    expect(statuses).toEqual([...Array<number>(20).fill(200), ...Array<number>(5).fill(401)])
    expect(provider.connections() - before).toBe(20)
  } finally {
    await limited.close()
  }
})
