import { expect, test } from '@jest/globals'
import { holdRecords } from '../../src/principal/held-records.ts'

/** A table whose reads end when the test says so, and the records held of it. */
function given(most = 10) {
  const table = new Map<string, { id: string; value: number }>()
  const state = { live: true, reads: 0, gate: Promise.resolve() }
  const records = holdRecords({
    most,
    isLive: () => state.live,
    async read(key) {
      state.reads += 1
      const row = table.get(key) ?? null
      await state.gate
      return row
    },
  })
  const put = (key: string, value: number) => void table.set(key, { id: `id of ${key}`, value })
  /** Keeps reads from ending. @returns what lets them end. */
  const block = () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    state.gate = promise.then(() => {})
    return () => resolve(undefined)
  }
  return { records, state, put, block }
}

test('a record is read once, however many ask for it at once', async () => {
  const { records, state, put } = given()
  put('a', 1)
  const answers = await Promise.all([records.get('a'), records.get('a'), records.get('a')])
  expect(answers.map((record) => record?.value)).toEqual([1, 1, 1])
  expect(records.get('a')).toEqual({ id: 'id of a', value: 1 })
  expect(state.reads).toBe(1)
})

test('what is not there is asked for each time, and found once it is', async () => {
  const { records, state, put } = given()
  expect(await records.get('a')).toBeNull()
  put('a', 1)
  expect((await records.get('a'))?.value).toBe(1)
  expect(state.reads).toBe(2)
})

test('a record that is dropped is read again; others stay', async () => {
  const { records, state, put } = given()
  put('a', 1)
  put('b', 1)
  await Promise.all([records.get('a'), records.get('b')])
  put('a', 2)
  records.drop('id of a')
  records.drop('id of nothing')
  expect((await records.get('a'))?.value).toBe(2)
  expect(records.get('b')).toMatchObject({ value: 1 })
  expect(state.reads).toBe(3)
  records.clear()
  await records.get('b')
  expect(state.reads).toBe(4)
})

test('what changes while it is read is not held, and not handed to who asks after the change', async () => {
  const { records, put, block } = given()
  put('a', 1)
  const open = block()
  const before = records.get('a')
  put('a', 2)
  records.drop('id of a')
  const after = records.get('a')
  open()
  expect((await before)?.value).toBe(1)
  expect((await after)?.value).toBe(2)
  expect(records.get('a')).toMatchObject({ value: 2 })
})

test.each([
  ['is dropped', ({ records }: ReturnType<typeof given>) => records.drop('id of a')],
  ['is forgotten with all others', ({ records }: ReturnType<typeof given>) => records.clear()],
])('what %s while it is read is not held', async (_, change) => {
  const all = given()
  const { records, put, block } = all
  put('a', 1)
  const open = block()
  const before = records.get('a')
  put('a', 2)
  change(all)
  open()
  expect((await before)?.value).toBe(1)
  expect((await records.get('a'))?.value).toBe(2)
})

test('a reading that has been overtaken does not end the one that has overtaken it', async () => {
  const { records, state, put, block } = given()
  put('a', 1)
  const openFirst = block()
  const first = records.get('a')
  records.drop('id of a')
  const openSecond = block()
  const second = records.get('a')
  openFirst()
  await first
  const third = records.get('a')
  openSecond()
  await Promise.all([second, third])
  expect(state.reads).toBe(2)
})

test('while changes may be missed, nothing is held and nothing held is used', async () => {
  const { records, state, put, block } = given()
  put('a', 1)
  await records.get('a')
  state.live = false
  put('a', 2)
  expect((await records.get('a'))?.value).toBe(2)
  expect((await records.get('a'))?.value).toBe(2)
  expect(state.reads).toBe(3)
  state.live = true
  records.clear()
  const open = block()
  const reading = records.get('a')
  state.live = false
  open()
  await reading
  state.live = true
  await records.get('a')
  expect(state.reads).toBe(5)
})

test('no more are held than may be, the least lately asked for goes first', async () => {
  const { records, state, put } = given(2)
  for (const key of ['a', 'b', 'c']) put(key, 1)
  await records.get('a')
  await records.get('b')
  await records.get('a')
  await records.get('c')
  expect(state.reads).toBe(3)
  await records.get('a')
  expect(state.reads).toBe(3)
  await records.get('b')
  expect(state.reads).toBe(4)
})

test('a failed read is told to who waits for it, and tried again by the next', async () => {
  let fails = true
  const records = holdRecords({
    most: 1,
    isLive: () => true,
    read: async (id: string) => {
      if (fails) throw new Error('down')
      return { id }
    },
  })
  await expect(Promise.all([records.get('a'), records.get('a')])).rejects.toThrow('down')
  fails = false
  expect(await records.get('a')).toEqual({ id: 'a' })
})
