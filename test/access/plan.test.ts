import { expect, test } from '@jest/globals'
import { parse, visit, type DocumentNode } from 'graphql'
import { maxDenials } from '../../src/access/decide.ts'
import { createPlanner } from '../../src/access/planner.ts'
import { makePowers } from '../../src/access/powers.ts'
import { policyOf, principals, registry } from './fixture.ts'

const policy = policyOf(`
  type Query { open: String @public  secret(n: Int): String @auth  node: Node @public  self: Query @public  find(by: Int @auth): Node @public }
  interface Node { id: ID  next: Node }
  type A implements Node { id: ID  again: A  next: Node  hidden: String @role(atLeast: ADMIN) }
  type B implements Node @role(atLeast: ADMIN) { id: ID  next: Node }
  type Mutation { login: AuthPayload @public }
  type AuthPayload { me: A }
`)
const coordinates = (text: string, variables = {}) =>
  createPlanner(policy)
    .decide({ document: parse(text), variables }, null)
    .denials.map(({ path, coordinate }) => `${path.join('.')} ${coordinate}`)

test('a plan is made once per document, operation and powers, and never shared across powers', () => {
  const planner = createPlanner(policy)
  const document = parse('query A { secret } query B { open }')
  const denied = (operationName: string, powers: Parameters<typeof planner.decide>[1]) =>
    planner.decide({ document, operationName }, powers).denials.length
  expect([denied('A', null), denied('A', principals.viewer), denied('B', null), denied('A', null)]).toEqual([
    1, 0, 0, 1,
  ])
  expect(planner.kept(document)).toBe(3)
  expect(denied('A', makePowers('USER', 'VIEWER', ['read:*'], registry))).toBe(0)
  expect(planner.kept(document)).toBe(3)
})

test('plans are bounded, and the least recently used goes first', () => {
  const planner = createPlanner(policy, 3)
  const document = parse('{ secret }')
  const decide = (key: string) => planner.decide({ document }, { ...principals.viewer, key })
  for (let index = 0; index < 50; index += 1) decide(`k${index}`)
  expect(planner.kept(document)).toBe(3)
  expect(planner.kept(parse('{ open }'))).toBe(0)
  decide('k47')
  decide('new')
  expect(planner.kept(document)).toBe(3)
})

test('the plan that was used last is the last to go', () => {
  const planner = createPlanner(policy, 2)
  const document = parse('{ open self { node { ... on A { hidden } } } }')
  // Who has the same key has the same powers; here it tells whose plan was made.
  const denied = (name: 'viewer' | 'admin', key: string) =>
    planner.decide({ document }, { ...principals[name], key }).denials.length
  const [first, second, again, third] = [
    denied('admin', 'a'),
    denied('admin', 'b'),
    denied('viewer', 'a'),
    denied('admin', 'c'),
  ]
  expect([first, second, again, third]).toEqual([0, 0, 0, 0])
  expect([denied('viewer', 'a'), denied('viewer', 'b')]).toEqual([0, 1])
})

test('a variable that its operation does not declare is left out, with or without any that it does', () => {
  expect(coordinates('{ open find(by: $x) { id } }')).toEqual(['find B'])
  expect(coordinates('query ($y: Int) { open find(by: $x) { id } }')).toEqual(['find B'])
  expect(coordinates('{ open find(unknown: 1) { id } }')).toEqual(['find B'])
})

test('a decision depends on the variables of its request, not on those of the one before', () => {
  const planner = createPlanner(policy)
  const document = parse('query ($s: Boolean!) { open secret @include(if: $s) }')
  const denied = (s: unknown) => planner.decide({ document, variables: { s } }, null).denials.length
  expect([denied(true), denied(false), denied(true), denied('false'), denied(null)]).toEqual([1, 0, 1, 1, 1])
  expect(planner.decide({ document }, null).denials).toHaveLength(1)
})

test('inputs are decided per request', () => {
  const text = 'query ($n: Int) { open find(by: $n) { id } }'
  expect(coordinates(text)).toEqual(['find B'])
  expect(coordinates(text, { n: null })).toEqual(['find Query.find(by:)'])
})

test('both conditions of a field must hold', () => {
  const text = 'query ($a: Boolean!, $b: Boolean!) { open secret @skip(if: $a) @include(if: $b) @other }'
  expect(coordinates(text, { a: false, b: true })).toEqual(['secret Query.secret'])
  expect(coordinates(text, { a: true, b: true })).toEqual([])
  expect(coordinates(text, { a: false, b: false })).toEqual([])
})

test('only @skip and @include leave something out, by what stands for `if`', () => {
  const left = (directive: string) => coordinates(`{ open secret ${directive} }`)
  for (const none of [
    '@other(if: false)',
    '@include',
    '@skip(unless: true, if: false)',
    '@include(unless: false, if: true)',
  ]) {
    expect([none, left(none)]).toEqual([none, ['secret Query.secret']])
  }
  expect([left('@include(if: false)'), left('@skip(unless: false, if: true)')]).toEqual([[], []])
})

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0

test('a document whose maker leaves out what is empty is planned as one that was parsed', () => {
  const parsed = parse(
    '{ open @include ... { self { secret } } node { ...F } find(by: 1) { id } x: find(by: $x) { id } } fragment F on A { hidden }',
  )
  const bare: DocumentNode = visit(parsed, {
    enter: (node) => Object.fromEntries(Object.entries(node).filter(([, value]) => !isEmptyList(value))),
  })
  const told = (document: DocumentNode) =>
    createPlanner(policy)
      .decide({ document }, null)
      .denials.map(({ path, coordinate }) => `${path.join('.')} ${coordinate}`)
  expect(told(parsed)).toHaveLength(4)
  expect(told(bare)).toEqual(told(parsed))
})

test('a fragment in places of other types is planned for each, however their names are joined', () => {
  const united = policyOf(`
    type Query { open: String @public  one: One @public  other: Other @public }
    interface Named { name: String }
    type A implements Named { name: String @auth }
    type BC implements Named { name: String }
    type AB implements Named { name: String }
    type C implements Named { name: String }
    union One = A | BC
    union Other = AB | C
  `)
  const document = parse('{ open other { ...F } one { ...F } } fragment F on Named { name }')
  const { denials } = createPlanner(united).decide({ document }, null)
  expect(denials.map(({ path, coordinate }) => `${path.join('.')} ${coordinate}`)).toEqual(['one.name A.name'])
})

test('each coordinate is named once per path, in the order of the document', () => {
  expect(
    coordinates(
      '{ node { id ... on A { hidden } next { ...F ...F } } s: secret s: secret } fragment F on A { hidden }',
    ),
  ).toEqual(['node B', 'node.hidden A.hidden', 'node.next.hidden A.hidden', 's Query.secret'])
})

test('fragments that double at each level cost no more than they are long', () => {
  const levels = 60
  const fragments = Array.from({ length: levels }, (_, level) => {
    const next = level + 1 < levels ? `...F${level + 1}` : ''
    return `fragment F${level} on Node { id ... on A { hidden } a: next { ${next} id } b: next { ${next} id } ${next} ${next} }`
  })
  const started = performance.now()
  const { denials } = createPlanner(policy).decide(
    { document: parse(`{ node { ...F0 } } ${fragments.join(' ')}`) },
    null,
  )
  expect(denials).toHaveLength(maxDenials)
  const clean = createPlanner(policy).decide(
    { document: parse(`{ node { ...F0 } } ${fragments.join(' ')}`) },
    principals.admin,
  )
  expect(clean.denials).toEqual([])
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('fragments that double are cheap where their guarded fields are left out by variables', () => {
  const fragments = Array.from({ length: 60 }, (_, level) => {
    const next = level < 59 ? `...F${level + 1}` : ''
    return `fragment F${level} on A { id hidden @include(if: $no) a: next { ...on A { ${next} id } } b: next { ... on A { ${next} id } } }`
  })
  const text = `query ($no: Boolean!) { node { ... on A { ...F0 } } } ${fragments.join(' ')}`
  const started = performance.now()
  expect(coordinates(text, { no: false })).toEqual([])
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('root fields beyond what is told still count', () => {
  const many = Array.from({ length: maxDenials + 5 }, (_, index) => `s${index}: secret`).join(' ')
  const planner = createPlanner(policy)
  expect(planner.decide({ document: parse(`{ ${many} }`) }, null).rootDenied).toBe(true)
  expect(planner.decide({ document: parse(`{ ${many} open }`) }, null).rootDenied).toBe(false)
  const spread = parse(`{ ${many} ...F } fragment F on Query { open }`)
  expect(planner.decide({ document: spread }, null).rootDenied).toBe(false)
})

test('no more denials are told than may be', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `s${index}: secret`).join(' ')
  expect(coordinates(`{ ${many(maxDenials)} }`)).toHaveLength(maxDenials)
  expect(coordinates(`{ ${many(maxDenials + 5)} self { ${many(5)} } }`)).toHaveLength(maxDenials)
})

test('an operation that selects nothing in the end has no root field that is denied', () => {
  const document = parse('query ($no: Boolean!) { secret @include(if: $no) }')
  const decision = createPlanner(policy).decide({ document, variables: { no: false } }, null)
  expect(decision).toEqual({ denials: [], rootDenied: false })
})

test('a fragment that is denied in one place is denied in the next', () => {
  const text = '{ open a: self { ...F } b: self { ...F } } fragment F on Query { self { secret } }'
  expect(coordinates(text)).toEqual(['a.self.secret Query.secret', 'b.self.secret Query.secret'])
})

test('two places are two, however their names are joined', () => {
  const text = '{ open ab: self { c: secret } a: self { bc: secret } }'
  expect(coordinates(text)).toEqual(['ab.c Query.secret', 'a.bc Query.secret'])
  const spread = '{ open ab: self { c: self { ...F } } a: self { bc: self { ...F } } } fragment F on Query { secret }'
  expect(coordinates(spread)).toEqual(['ab.c.secret Query.secret', 'a.bc.secret Query.secret'])
})

test('what is under a sign-in is not decided ahead', () => {
  expect(coordinates('mutation { login { me { hidden } } }')).toEqual([])
  const strict = { ...policy, signInTypes: new Set<string>() }
  const { denials } = createPlanner(strict).decide({ document: parse('mutation { login { me { hidden } } }') }, null)
  expect(denials.map(({ coordinate }) => coordinate)).toEqual(['A.hidden'])
})

test.each([
  ['{ open } { open }', 'no such operation'],
  ['subscription { open }', 'no such operation'],
  ['{ unknown }', 'Query.unknown is not in the schema'],
  ['{ ...F }', 'A fragment is spread that is not defined'],
])('what validation would refuse is not planned: %s', (text, message) => {
  expect(() => coordinates(text)).toThrow(message)
})

test('a fragment that fits no type of its place, and a value without selection, are nothing to decide', () => {
  expect(coordinates('{ open { id } ... on A { hidden } node { ... on Query { secret } } }')).toEqual([])
  expect(coordinates('{ open node { ... on Unknown { id } } }')).toEqual([])
  expect(coordinates('{ open node }')).toEqual([])
  // Nothing of it is served, so all that could be is denied.
  const document = parse('{ secret ... on A { hidden } }')
  expect(createPlanner(policy).decide({ document }, null).rootDenied).toBe(true)
})

test('what hangs on a type that is known at run time is marked, however deep', () => {
  const document = parse('{ secret node { ... on A { again { hidden } } } }')
  const { denials } = createPlanner(policy).decide({ document }, null)
  expect(denials.map(({ path, viaAbstract }) => [path.join('.'), viaAbstract])).toEqual([
    ['secret', false],
    ['node.again.hidden', true],
  ])
})

test('the same place is looked at once, however many selections it is merged from', () => {
  const fragments = Array.from({ length: 40 }, (_, level) => {
    const inner = level < 39 ? `...F${level + 1}` : 'hidden'
    return `fragment F${level} on A { again { ${inner} } again { ${inner} } }`
  })
  const started = performance.now()
  expect(coordinates(`{ node { ...F0 } } ${fragments.join(' ')}`)).toHaveLength(1)
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('a fragment that was looked at within another one is looked at wherever that one is spread', () => {
  const text = '{ a: self { ...F ...G } b: self { ...G } } fragment G on Query { ...F } fragment F on Query { secret }'
  expect(coordinates(text)).toEqual(['a.secret Query.secret', 'b.secret Query.secret'])
})

test('a root field counts as served though its fragment is also used below', () => {
  const text = `query ($no: Boolean!) { self @include(if: $no) { ...F } secret ...F } fragment F on Query { open }`
  const decision = createPlanner(policy).decide({ document: parse(text), variables: { no: false } }, null)
  expect([decision.denials.length, decision.rootDenied]).toEqual([1, false])
})

test('what is under a field that one type denies for its inputs is named for the other types alone', () => {
  const strict = policyOf(`
    type Query { node: Node @public }
    interface Node { next(by: Int): Node }
    type A implements Node { next(by: Int @auth): A }
    type B implements Node { next(by: Int): B  hidden: String @auth }
  `)
  const document = parse('{ node { next(by: 1) { next(by: 1) { ... on A { __typename } ... on B { hidden } } } } }')
  const { denials } = createPlanner(strict).decide({ document }, null)
  expect(denials.map(({ path, coordinate }) => `${path.join('.')} ${coordinate}`)).toEqual([
    'node.next A.next(by:)',
    'node.next.next.hidden B.hidden',
  ])
})
