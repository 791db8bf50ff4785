import { expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { createDocumentStore } from '../../src/http/document-store.ts'
import { hashOf } from '../documents/given-documents.ts'
import { run } from '../given-process.ts'

/** In MiB: what is kept of documents, of their plans and of all else that goes by document. */
const MOST_KEPT = 120
const MOST_GROWTH = 16

test('20,000 distinct documents leave no more behind than 5,000 did', async () => {
  const program = ['--expose-gc', 'test/http/heap-program.ts', '5000', '15000']
  const { code, stdout, stderr } = await run(process.execPath, program, {
    env: { TENANTRY_TEST_IMAGE: process.env.TENANTRY_TEST_IMAGE },
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [before = 0, full = 0, after = 0] = JSON.parse(stdout) as number[]
  expect(full - before).toBeLessThan(MOST_KEPT)
  expect(after - full).toBeLessThan(MOST_GROWTH)
}, 900_000)

test('a trusted document stays, however many others come', async () => {
  const bodies = ['{ trusted: __typename }', '{ other: __typename }']
  const [trusted = '', other = ''] = bodies.map((body) => `schema:${hashOf(body)}`)
  const store = createDocumentStore((hash) => trusted.endsWith(hash))
  for (const [n, key] of [trusted, other].entries()) await store.set(key, parse(bodies[n] ?? ''))
  for (let n = 0; n < 10_000; n += 1)
    await store.set(`schema:${hashOf(`{ a${n}: __typename }`)}`, parse(`{ a${n}: __typename }`))
  expect(await store.get(trusted)).toBeDefined()
  expect(await store.get(other)).toBeUndefined()
})
