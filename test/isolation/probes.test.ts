import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { givenProbes, walls, type Probing, type Verdict } from './given-probes.ts'
import { readingProbes, writingProbes } from './probes.ts'

const probes = { ...writingProbes, ...readingProbes }
type ProbeName = keyof typeof probes
const names = Object.keys(probes) as ProbeName[]

/**
 * What the filter alone does not reach: with row-level security taken away, exactly these leak. What else the filter does
 * not reach is kept by the composite keys: a reference to a foreign row, and a foreign row in a many-to-many relation.
 */
const leaksThroughTheFilter: Partial<Record<ProbeName, Verdict>> = {
  'getReference, assign, flush': 'changed',
  'remove(reference)': 'changed',
  merge: 'changed',
  upsert: 'changed',
  upsertMany: 'changed',
  'insert with a foreign organization': 'changed',
  'insertMany with a foreign organization': 'changed',
  'create with a foreign organization': 'changed',
  'assign of a foreign organization to an own row': 'changed',
  'a pivot row of a foreign organization': 'changed',
  'query builder update': 'changed',
  'Kysely update': 'changed',
  'raw SQL update': 'changed',
  'raw SQL insert': 'changed',
  'a $some condition': 'seen',
  'a $none condition': 'seen',
  'find with the filter switched off': 'seen',
  'find with parameters of its own for the filter': 'seen',
  'a table without the filter': 'seen',
  'query builder': 'seen',
  'query builder with applyFilters and a join': 'seen',
  Kysely: 'seen',
  'raw SQL': 'seen',
  'a raw fragment in a condition': 'seen',
  'a subquery in raw SQL': 'seen',
  'a lock of a foreign row': 'seen',
}

/** Nothing is to be seen of it where the two organizations are the same one. */
const withoutControl: readonly ProbeName[] = ['assign of a foreign organization to an own row']

describe.each(walls)('with %s', (standing) => {
  let probing: Probing

  beforeAll(async () => {
    probing = await givenProbes(standing)
  })
  afterAll(() => probing?.close())

  test.each(names)("another organization's rows against: %s", async (name) => {
    const expected = standing === 'filter only' ? (leaksThroughTheFilter[name] ?? 'kept') : 'kept'
    expect(await probing.verdictOf(probes[name])).toBe(expected)
  })

  // Without this, a probe that fails for a reason of its own would count as one that is kept out.
  test.each(names.filter((name) => !withoutControl.includes(name)))('own rows are reached by: %s', async (name) => {
    expect(await probing.verdictOf(probes[name], 'own')).not.toBe('kept')
  })
})
