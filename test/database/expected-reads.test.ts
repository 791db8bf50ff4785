import { expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { createScopeRegistry } from '../../src/access/scopes.ts'
import { loadModules, scopesOf } from '../../src/modules.ts'
import { createSchema } from '../../src/schema.ts'
import { expectedReads } from '../../src/expected-reads.ts'

const modules = [...(await loadModules()).values()]
const { schema } = createSchema(modules, createScopeRegistry(scopesOf(modules)))
const readsOf = expectedReads(schema, modules)

test.each([
  '{ me { id email createdAt } }',
  '{ __typename projects(first: 3) { nodes { name } pageInfo { endCursor } edges { cursor node { id } } } }',
  'query Q($id: ID!) { project(id: $id) { ...p } } fragment p on Project { name }',
])('one field that reads, right under the query, is one read: %s', (document) => {
  expect(readsOf(parse(document))).toBe(1)
})

test.each([
  '{ projects { nodes { gateways { nodes { name } } } } }',
  '{ projects { totalCount } }',
  '{ me { memberships { id } } }',
])('a field that reads below one right under the query is one read more: %s', (document) => {
  expect(readsOf(parse(document))).toBe(2)
})

test.each([
  ['none reads', '{ __typename }'],
  ['two fields read', '{ me { email } projects { nodes { name } } }'],
  ['one field reads under two names', '{ a: me { email } b: me { email } }'],
  [
    'a field reads below one that reads below another',
    '{ projects { nodes { gateways { nodes { project { id } } } } } }',
  ],
  ['a field reads beside a total', '{ projects { totalCount nodes { gateways { nodes { id } } } } }'],
  [
    'it stands in a fragment beside another',
    'query { ...f me { id } } fragment f on Query { projects { nodes { id } } }',
  ],
  [
    'it stands in a fragment, which may be in several places',
    'query { projects { nodes { ...g } } } fragment g on Project { gateways { nodes { id } } }',
  ],
  ['it is a mutation', 'mutation { leaveOrganization { organization { id } } }'],
  ['another operation of the document reads too', 'query A { me { id } } query B { projects { nodes { id } } }'],
])('%s: nobody knows how often it reads', (_, document) => {
  expect(readsOf(parse(document))).toBeNull()
})
