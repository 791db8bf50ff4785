import type { Choices } from '../choices.ts'
import { accessSdl, registry } from './fixture.ts'

const objects = ['A', 'B', 'C', 'D'] as const
const outputs = [...objects, 'I', 'J', 'U'] as const
const fieldNames = ['s', 'o', 'i', 'u', 'l', 'm'] as const

/** What a field of a name is wherever it stands, so that types fit the interfaces that they implement. */
interface Signature {
  readonly type: string
  readonly args: readonly string[]
}

interface Shape {
  readonly signatures: Readonly<Record<string, Signature>>
  /** Interfaces of each object and interface. */
  readonly parents: Readonly<Record<string, readonly string[]>>
  readonly fields: Readonly<Record<string, readonly string[]>>
}

/** Access directives at random, as they may stand on one element; `@public` where it may. */
function rulesOf(c: Choices, mayBePublic: boolean): string[] {
  const count = c.of([0, 0, 0, 0, 1, 1, 2, 3])
  if (count === 0) return mayBePublic && c.chance(20) ? ['@public'] : []
  const auth = c.chance(40) ? [authOf(c)] : []
  return [...auth, ...Array.from({ length: count - auth.length }, () => (c.chance(30) ? roleOf(c) : scopeOf(c)))]
}

function authOf(c: Choices): string {
  const kinds = c.some(['USER', 'OPERATOR', 'API_KEY', 'EXTERNAL'], 60)
  if (kinds.length === 0 || c.chance(40)) return '@auth'
  return kinds.length === 1 ? `@auth(kinds: ${kinds[0]})` : `@auth(kinds: [${kinds.join(' ')}])`
}

const roleOf = (c: Choices) => `@role(atLeast: ${c.of(['VIEWER', 'DEVELOPER', 'ADMIN'])})`

function scopeOf(c: Choices): string {
  const list = () => {
    const scopes = [c.of(registry.known), ...c.some(registry.known, 20)]
    return scopes.length === 1 ? JSON.stringify(scopes[0]) : JSON.stringify(scopes)
  }
  return c.of([() => `@scope(requires: ${list()})`, () => `@scope(anyOf: ${list()})`, both])()
  function both() {
    return `@scope(requires: ${list()}, anyOf: ${list()})`
  }
}

function shapeOf(c: Choices): Shape {
  const args = () =>
    c.of([[], [], ['a: Int'], ['a: Int = 7'], ['n: N'], ['m: M', 'a: Int'], ['ns: [N!]'], ['m: M!']] as string[][])
  const signatures = {
    s: { type: 'String', args: args() },
    o: { type: c.of(objects), args: args() },
    i: { type: c.of(['I', 'J']), args: args() },
    u: { type: c.of(['U', 'I']), args: args() },
    l: { type: `[${c.of(outputs)}]`, args: args() },
    m: { type: `[[${c.of(outputs)}]]`, args: [] },
  }
  const ofJ = c.chance(60) ? ['I'] : []
  const parentsOf = () => c.of([['I'], [], ['J', ...ofJ], ['I', 'J']])
  const parents = {
    I: [],
    J: ofJ,
    ...Object.fromEntries(objects.map((name) => [name, parentsOf()])),
  } as Shape['parents']
  const own = Object.fromEntries(
    ['I', 'J', ...objects].map((name) => [name, ['s', ...c.some(fieldNames.slice(1), 50)]]),
  )
  const all = (name: string): string[] => [...own[name]!, ...parents[name]!.flatMap(all)]
  const fields = Object.fromEntries(Object.keys(own).map((name) => [name, [...new Set(all(name))]]))
  return { signatures, parents, fields }
}

function fieldOf(c: Choices, shape: Shape, owner: string, name: string): string {
  const { type, args } = shape.signatures[name]!
  const mayNarrow = !['I', 'J'].includes(owner) && ['I', 'J'].includes(type)
  const narrower = mayNarrow ? objects.filter((one) => shape.parents[one]!.includes(type)) : []
  const narrowed = narrower.length > 0 && c.chance(25) ? c.of(narrower) : type
  const own = owner.length === 1 && !['I', 'J'].includes(owner) && c.chance(10) ? ['x: Int'] : []
  const given = [...args, ...own].map((argument) => `${argument} ${rulesOf(c, false).join(' ')}`)
  const inputs = given.length > 0 ? `(${given.join(', ')})` : ''
  return `${name}${inputs}: ${narrowed} ${rulesOf(c, true).join(' ')}`
}

/** A type, part of it in an extension. */
function fieldedType(c: Choices, shape: Shape, keyword: string, name: string): string {
  const rules = rulesOf(c, keyword === 'type')
  const later = rules.length > 0 && rules[0] !== '@public' ? c.some(rules, 30) : []
  const parents = shape.parents[name] ?? []
  const implemented = parents.length > 0 ? `implements ${parents.join(' & ')}` : ''
  const [first, ...others] = shape.fields[name]!.map((field) => fieldOf(c, shape, name, field))
  const extended = c.some(others, 20)
  const body = [first, ...others.filter((field) => !extended.includes(field))].join('\n  ')
  const directives = rules.filter((rule) => !later.includes(rule)).join(' ')
  const more = extended.length > 0 ? `{ ${extended.join('\n  ')} }` : ''
  const extension = more || later.length > 0 ? `extend ${keyword} ${name} ${[...new Set(later)].join(' ')} ${more}` : ''
  return `${keyword} ${name} ${implemented} ${directives} {\n  ${body}\n}\n${extension}`
}

function inputTypes(c: Choices): string {
  const rules = () => rulesOf(c, false).join(' ')
  // One without rules of its own leads to the other's all the same.
  const rulesOfN = c.chance(30) ? () => '' : rules
  return `
    input N { a: Int ${rulesOfN()}  m: M ${rulesOfN()}  d: Int = 7 ${rulesOfN()}  n: N ${rulesOfN()}  e: M = { a: 7 } ${rulesOfN()} }
    input M { a: Int ${rules()}  n: N ${rules()}  d: Int = 7 ${rules()}  ints: [Int] ${rules()} }
    extend input M { late: Int ${rules()}  ms: [M] ${rules()} }`
}

function rootTypes(c: Choices, shape: Shape): string {
  const guarded = (field: string) => {
    const rules = rulesOf(c, true)
    return `${field} ${rules.length === 0 ? '@public' : rules.join(' ')}`
  }
  const inputs = () =>
    `(${c
      .some(['n: N', 'm: M', 'a: Int', 'ms: [M]'], 40)
      .map((one) => `${one} ${rulesOf(c, false).join(' ')}`)
      .join(', ')})`
  const roots = () =>
    outputs.map((name) =>
      guarded(`${name.toLowerCase()}${inputs().replace('()', '')}: ${c.chance(20) ? `[${name}]` : name}`),
    )
  const type = (name: string, fields: string[]) =>
    `type ${name} ${c.chance(10) ? rulesOf(c, true).join(' ') : ''} { ${fields.join('\n  ')} }`
  const payload = ['s', 'o', 'i', 'l'].map((name) =>
    fieldOf(c, { ...shape, signatures: shape.signatures }, 'AuthPayload', name),
  )
  return [
    type('Query', [...roots(), guarded('all(n: N, m: M): String'), guarded('query: Query')]),
    type('Mutation', [...roots(), guarded('signIn(m: M): AuthPayload'), guarded('signInAgain: AuthPayload')]),
    type('AuthPayload', payload),
  ].join('\n')
}

/** A schema that the server would start with: rules on everything that can carry them. */
export function randomSchema(c: Choices): string {
  const shape = shapeOf(c)
  return [
    accessSdl,
    ...['I', 'J'].map((name) => fieldedType(c, shape, 'interface', name)),
    ...objects.map((name) => fieldedType(c, shape, 'type', name)),
    `union U = ${[c.of(objects), ...c.some(objects, 50)].filter((one, at, all) => all.indexOf(one) === at).join(' | ')}`,
    inputTypes(c),
    // Last, so that what chance is left for is what everything else can be reached through.
    rootTypes(c, shape),
  ].join('\n')
}
