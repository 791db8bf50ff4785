import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startServer, type Answer, type TestServer } from '../harness.ts'
import { rounds } from '../rounds.ts'
import { givenOperator, operate, signIn, type Operator } from './given-operator.ts'

let server: TestServer
let ann: Operator
let bob: Operator

beforeAll(async () => {
  server = await startServer()
  ;[ann, bob] = [await givenOperator(server), await givenOperator(server)]
})
afterAll(() => server.close())

/** Ten requests at once, the first operator's and the second's in turn. */
function ten(request: (actor: Operator, other: Operator) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: 10 }, (_, turn) => (turn % 2 === 0 ? request(ann, bob) : request(bob, ann))))
}

/** Of the two, those who still are operators; each is signed in anew. */
async function remaining(): Promise<Operator[]> {
  const found = []
  for (const operator of [ann, bob]) {
    const answer = await signIn(server, operator.email)
    if (answer.errors.length > 0) continue
    operator.token = answer.data.login.accessToken
    const tree = await server.send('{ platform { __typename } }', { token: operator.token })
    if (tree.errors.length === 0) found.push(operator)
  }
  return found
}

async function bothAgain(remained: Operator): Promise<void> {
  const other = remained === ann ? bob : ann
  expect((await operate(server, remained, 'activate', other.userId)).errors).toEqual([])
  expect((await operate(server, remained, 'grant', other.userId)).errors).toEqual([])
  expect(await remaining()).toHaveLength(2)
}

const reasons = (answers: Answer[]) =>
  new Set(answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions.reason ?? extensions.code)))

test('of two operators who remove, deactivate or leave at once, one remains: 50 rounds of 10', async () => {
  const ways = [
    (actor: Operator, other: Operator) => operate(server, actor, 'revoke', other.userId),
    (actor: Operator, other: Operator) => operate(server, actor, 'deactivate', other.userId),
    (actor: Operator) => operate(server, actor, 'revoke', actor.userId),
  ]
  for (let round = 0; round < rounds(50); round += 1) {
    const answers = await ten(ways[round % ways.length]!)
    expect(answers.some(({ errors }) => errors.length === 0)).toBe(true)
    for (const reason of reasons(answers)) expect(['WRONG_KIND', 'REVOKED', 'LAST_OPERATOR']).toContain(reason)
    const remained = await remaining()
    expect(remained).toHaveLength(1)
    await bothAgain(remained[0]!)
  }
}, 180_000)
