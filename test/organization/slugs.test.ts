import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { slugOf } from '../../src/modules/organization/new-organization.ts'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { rounds } from '../rounds.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({ settings: { MAX_ORGANIZATIONS_PER_USER: '1000' } })
  person = await givenPerson(server, null)
})
afterAll(async () => server.close())

const create = async (name: string): Promise<string> => {
  const { data, errors } = await server.send(
    'mutation ($name: String!) { createOrganization(input: { name: $name }) { organization { slug } } }',
    { token: person.token, variables: { name } },
  )
  expect(errors).toEqual([])
  return data.createOrganization.organization.slug
}

test.each([
  ['Acme', 'acme'],
  ['  Acme,  Inc. ', 'acme-inc'],
  ['Crème Brûlée', 'creme-brulee'],
  ['Ｆｕｌｌ　Ｗｉｄｔｈ', 'full-width'],
  ['ﬁne ½', 'fine-1-2'],
  ['İstanbul', 'istanbul'],
  ['../../etc/passwd', 'etc-passwd'],
  ['<script>', 'script'],
  ['日本語', 'organization'],
  ['🦊', 'organization'],
  ['---', 'organization'],
  ['-a-', 'a'],
  ['x'.repeat(200), 'x'.repeat(60)],
  // Another organization's id: where either names one, it must not be taken for this.
  ['0190A0B0-7777-7888-9999-AAAABBBBCCCC', 'organization-0190a0b0-7777-7888-9999-aaaabbbbcccc'],
  ['00000000-0000-0000-0000-000000000000', 'organization-00000000-0000-0000-0000-000000000000'],
  [`${'x'.repeat(59)} y`, 'x'.repeat(59)],
])('%s has the slug %s', (name, slug) => {
  expect(slugOf(name)).toBe(slug)
})

test('names that are alike get slugs that are not', async () => {
  const slugs: string[] = []
  for (let n = 0; n < 8; n += 1) slugs.push(await create('Same, Inc.'))
  expect(slugs.slice(0, 5)).toEqual(['same-inc', 'same-inc-2', 'same-inc-3', 'same-inc-4', 'same-inc-5'])
  expect(slugs.slice(5)).toEqual(Array(3).fill(expect.stringMatching(/^same-inc-[0-9a-f]{8}$/)))
  expect(await create('Same Inc 2')).toBe('same-inc-2-2')
  expect(await create('日本語')).toMatch(/^organization/)
})

test('the same name at the same time: everybody gets a slug of their own', async () => {
  for (let round = 0; round < rounds(50); round += 1) {
    const slugs = await Promise.all(Array.from({ length: 10 }, () => create(`Rush ${round}`)))
    expect(new Set(slugs).size).toBe(10)
    expect(slugs).toContain(`rush-${round}`)
  }
}, 180_000)
