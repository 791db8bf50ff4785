import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { createRelay } from '../../src/workers/relay.ts'
import { createSiblings } from '../../src/workers/siblings.ts'

/** Workers that reach each other as in a server, but for the processes between them. */
function givenFamily(count: number) {
  const relay = createRelay((place, message) => {
    const worker = workers[place - 1]
    if ('asked' in message) worker?.asked(message.asked)
    else if ('answered' in message) worker?.answered(message.answered)
  })
  const places = Array.from({ length: count }, (_, at) => at + 1)
  const workers = places.map((from) =>
    createSiblings((message) => {
      if ('ask' in message) {
        const others = places.filter((place) => place !== from)
        relay.ask({ from, number: message.ask }, others)
      } else if ('answer' in message) relay.answer(from, message.answer)
    }),
  )
  return { relay, workers }
}

/** What is done when it is told to. */
function later() {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  return { work: () => promise, finish: () => resolve(null) }
}

/** Whether the promise is settled by now. */
const isOver = (promise: Promise<unknown>) => Promise.race([promise.then(() => true), sleep(20).then(() => false)])

test('a worker knows that the others have heard when all of them have', async () => {
  const { workers } = givenFamily(3)
  const [second, third] = [later(), later()]
  workers[1]!.whenAsked(second.work)
  workers[2]!.whenAsked(third.work)
  const heard = workers[0]!.haveHeard()
  second.finish()
  expect(await isOver(heard)).toBe(false)
  third.finish()
  expect(await isOver(heard)).toBe(true)
})

test('a worker without others has nobody to wait for', async () => {
  expect(await isOver(givenFamily(1).workers[0]!.haveHeard())).toBe(true)
})

test('nobody waits for a worker that has ended, and nobody answers one', async () => {
  const { workers, relay } = givenFamily(3)
  const [second, third] = [later(), later()]
  workers[1]!.whenAsked(second.work)
  workers[2]!.whenAsked(third.work)
  const [ofFirst, ofSecond] = [workers[0]!.haveHeard(), workers[1]!.haveHeard()]
  relay.gone(2)
  expect(await isOver(ofFirst)).toBe(false)
  third.finish()
  expect(await isOver(ofFirst)).toBe(true)
  expect(await isOver(ofSecond)).toBe(false)
  await ofSecond
})

test('several may ask at once, each its own question', async () => {
  const { workers } = givenFamily(2)
  const slow = later()
  workers[1]!.whenAsked(slow.work)
  const questions = [workers[0]!.haveHeard(), workers[0]!.haveHeard()]
  expect(await isOver(workers[1]!.haveHeard())).toBe(true)
  expect(await isOver(questions[1]!)).toBe(false)
  slow.finish()
  await Promise.all(questions)
})

test('a worker that hangs is not waited for longer than two seconds', async () => {
  const { workers } = givenFamily(2)
  workers[1]!.whenAsked(() => new Promise(() => {}))
  const began = performance.now()
  await workers[0]!.haveHeard()
  expect(performance.now() - began).toBeGreaterThan(1_900)
  expect(performance.now() - began).toBeLessThan(4_000)
})

test('a worker that could not do what it was asked has answered all the same', async () => {
  const { workers } = givenFamily(2)
  workers[1]!.whenAsked(() => Promise.reject(new Error('not now')))
  expect(await isOver(workers[0]!.haveHeard())).toBe(true)
})
