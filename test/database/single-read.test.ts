import { expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { createScopeRegistry } from '../../src/access/scopes.ts'
import { loadModules, scopesOf } from '../../src/modules.ts'
import { createSchema } from '../../src/schema.ts'
import { singleReads } from '../../src/single-read.ts'

const modules = [...(await loadModules()).values()]
const { schema } = createSchema(modules, createScopeRegistry(scopesOf(modules)))
const readsOnce = singleReads(schema, modules)

test.each([
  '{ me { id email createdAt } }',
  '{ __typename projects(first: 3) { nodes { name } pageInfo { endCursor } edges { cursor node { id } } } }',
  'query Q($id: ID!) { project(id: $id) { ...p } } fragment p on Project { name }',
])('one field that reads, right under the query, is one read: %s', (document) => {
  expect(readsOnce(parse(document))).toBe(true)
})

test.each([
  ['none reads', '{ __typename }'],
  ['two fields read', '{ me { email } projects { nodes { name } } }'],
  ['one field reads under two names', '{ a: me { email } b: me { email } }'],
  ['a field reads below another one', '{ projects { nodes { gateways { nodes { name } } } } }'],
  ['a total is one more read', '{ projects { totalCount } }'],
  ['a field of an object reads', '{ me { memberships { id } } }'],
  [
    'it stands in a fragment beside another',
    'query { ...f me { id } } fragment f on Query { projects { nodes { id } } }',
  ],
  ['it is a mutation', 'mutation { leaveOrganization { organization { id } } }'],
  ['another operation of the document reads too', 'query A { me { id } } query B { projects { nodes { id } } }'],
])('%s: no single read', (_, document) => {
  expect(readsOnce(parse(document))).toBe(false)
})
