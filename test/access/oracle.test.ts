import { expect, test } from '@jest/globals'
import { bare, principalNames, serve, told, type PrincipalName } from './fixture.ts'

/** A second, naive reading of the rules: no plan, no schema, no sharing; by hand from this table. */
const allowedBy: Record<string, readonly PrincipalName[]> = {
  '': principalNames,
  '@auth': principalNames.filter((name) => name !== 'anonymous'),
  '@auth(kinds: [API_KEY])': ['readKey', 'projectKey', 'fullKey'],
  '@role(atLeast: DEVELOPER)': ['developer', 'admin'],
  '@scope(requires: "read:gateways")': ['viewer', 'developer', 'admin', 'readKey', 'fullKey'],
}
const rules = ['', '', '', ...Object.keys(allowedBy)]
const objects = ['T0', 'T1', 'T2', 'T3'] as const
const possible: Record<string, readonly string[]> = { I: ['T0', 'T1', 'T2'], U: ['T1', 'T3'] }
const fieldTypes: Record<string, string> = { s: 'String', o: 'T', i: 'I', u: 'U', l: '[I]' }
const runtimeTypes = (name: string) => possible[name] ?? [name]
const next = (type: string) => `T${(Number(type[1]) + 1) % 4}`

type Random = <T>(choices: readonly T[]) => T
interface Field {
  kind: 'field'
  alias: string
  name: string
  include: boolean | null
  selections: Selection[]
}
interface Fragment {
  kind: 'fragment'
  on: string
  include: boolean | null
  named: boolean
  selections: Selection[]
}
type Selection = Field | Fragment
type Guards = Readonly<Record<string, string>>

function randomOf(seed: number): Random {
  let state = seed
  return (choices) => {
    state = (Math.imul(state ^ (state >>> 15), state | 1) + 0x6d2b79f5) | 0
    return choices[((state ^ (state >>> 14)) >>> 0) % choices.length]!
  }
}

function guardsOf(random: Random): Guards {
  const coordinates = [...objects, 'I'].flatMap((type) => [type, ...Object.keys(fieldTypes).map((f) => `${type}.${f}`)])
  return Object.fromEntries(coordinates.map((coordinate) => [coordinate, random(rules)]))
}

function sdlOf(guards: Guards): string {
  const fields = (type: string) =>
    Object.entries(fieldTypes)
      .map(([name, of]) => `${name}: ${of === 'T' ? 'T0' : of} ${guards[`${type}.${name}`]}`)
      .join('\n')
  const body = (type: string) =>
    `${guards[type]} { ${type === 'I' ? fields(type) : fields(type).replace('T0', next(type))} }`
  // `o` differs between implementers, so the interface does without it.
  const interfaceBody = body('I').replace(/o: T0.*\n/, '')
  const roots = 't: T0 @public  i: I @public  u: U @public  l: [I] @public'
  return `type Query { ${roots} } type Mutation { ${roots} } interface I ${interfaceBody} union U = T1 | T3
    ${objects.map((type) => `type ${type} ${type === 'T3' ? '' : 'implements I'} ${body(type)}`).join('\n')}`
}

function selectionsOf(random: Random, type: string, depth: number, count: { aliases: number }): Selection[] {
  return Array.from({ length: random([1, 2, 3]) }, (): Selection => {
    const include = random([null, null, true, false])
    const alias = `a${(count.aliases += 1)}`
    if (depth > 0 && random([true, false, false])) {
      const fitting = [...objects, 'I', 'U'].filter((other) =>
        runtimeTypes(other).some((one) => runtimeTypes(type).includes(one)),
      )
      const on = random(fitting)
      const selections = selectionsOf(random, on, depth - 1, count)
      return { kind: 'fragment', on, include, named: random([true, false]), selections }
    }
    const names = type === 'U' || depth === 0 ? ['__typename'] : ['__typename', 's', 'i', 'u', 'l']
    const name = random(
      type.startsWith('T') && depth > 0 ? [...names, 'o'] : depth === 0 && type !== 'U' ? ['s', ...names] : names,
    )
    const of = name === 'o' ? next(type) : (fieldTypes[name] ?? 'String').replace(/[[\]]/g, '')
    const selections = of === 'String' ? [] : selectionsOf(random, of, depth - 1, count)
    return { kind: 'field', alias, name, include, selections }
  })
}

function print(selections: readonly Selection[], fragments: string[]): string {
  const texts = selections.map((one) => {
    const include = one.include === null ? '' : one.include ? '@include(if: $yes)' : '@skip(if: $yes)'
    const inner = one.selections.length > 0 ? `{ ${print(one.selections, fragments)} }` : ''
    if (one.kind === 'field') return `${one.alias}: ${one.name} ${include} ${inner}`
    if (!one.named) return `... on ${one.on} ${include} ${inner}`
    const name = `F${fragments.length}_${one.on}`
    fragments.push(`fragment ${name} on ${one.on} ${inner}`)
    return `...${name} ${include}`
  })
  return texts.join(' ')
}

/** Executes the selection on an object of a type, and notes each denied path. */
class Oracle {
  readonly errors: string[] = []
  private readonly guards: Guards
  private readonly who: PrincipalName

  constructor(guards: Guards, who: PrincipalName) {
    this.guards = guards
    this.who = who
  }

  may(...coordinates: string[]): boolean {
    return coordinates.every((coordinate) => allowedBy[this.guards[coordinate] ?? '']!.includes(this.who))
  }

  mayType(type: string): boolean {
    return this.may(type) && (!runtimeTypes('I').includes(type) || this.may('I'))
  }

  mayField(type: string, name: string): boolean {
    const inherited = runtimeTypes('I').includes(type) && name !== 'o' ? [`I.${name}`] : []
    const returned = name === 'o' ? this.mayType(next(type)) : ['i', 'l'].includes(name) ? this.may('I') : true
    return this.mayType(type) && this.may(`${type}.${name}`, ...inherited) && returned
  }

  fieldsOf(type: string, selections: readonly Selection[]): Field[] {
    return selections.flatMap((one) => {
      if (one.include === false) return []
      if (one.kind === 'field') return [one]
      return runtimeTypes(one.on).includes(type) ? this.fieldsOf(type, one.selections) : []
    })
  }

  object(type: string, selections: readonly Selection[], path: string): Record<string, unknown> {
    const fields = this.fieldsOf(type, selections)
    return Object.fromEntries(fields.map((field) => [field.alias, this.field(type, field, `${path}.${field.alias}`)]))
  }

  field(type: string, field: Field, path: string): unknown {
    if (field.name === '__typename') return type
    if (!this.mayField(type, field.name)) return this.deny(path)
    if (field.name === 's') return 's'
    if (field.name === 'o') return this.object(next(type), field.selections, path)
    const index = Number(type[1])
    if (field.name === 'u') return this.item(possible.U![index % 2]!, field.selections, path)
    if (field.name === 'i') return this.item(possible.I![index % 3]!, field.selections, path)
    return possible.I!.map((one, at) => this.item(one, field.selections, `${path}.${at}`))
  }

  item(type: string, selections: readonly Selection[], path: string): unknown {
    const isSelected = this.fieldsOf(type, selections).length > 0
    return isSelected && !this.mayType(type) ? this.deny(path) : this.object(type, selections, path)
  }

  deny(path: string): null {
    this.errors.push(path)
    return null
  }

  /** True when some turn of run-time types would meet a denial. */
  couldDeny(types: readonly string[], selections: readonly Selection[], isItem: boolean): boolean {
    return types.some((type) => {
      const fields = this.fieldsOf(type, selections)
      if (isItem && fields.length > 0 && !this.mayType(type)) return true
      return fields.some((field) => {
        if (field.name === '__typename') return false
        if (!this.mayField(type, field.name)) return true
        const of = field.name === 'o' ? next(type) : (fieldTypes[field.name] ?? '').replace(/[[\]]/g, '')
        return of !== 'String' && this.couldDeny(runtimeTypes(of), field.selections, of in possible)
      })
    })
  }
}

const value = (type: string) => ({ __typename: type })
const resolversOf = (type: string) => ({
  s: () => 's',
  o: () => ({}),
  u: () => value(possible.U![Number(type[1]) % 2]!),
  i: () => value(possible.I![Number(type[1]) % 3]!),
  l: () => possible.I!.map(value),
})

test.each(Array.from({ length: 24 }, (_, seed) => seed))(
  'schema %i is served as the naive reading says',
  async (seed) => {
    const random = randomOf(seed * 7919 + 1)
    const guards = guardsOf(random)
    let ran = 0
    const count = { t: () => (ran += 1) && {}, i: resolversOf('T0').i, u: resolversOf('T0').u, l: resolversOf('T0').l }
    const resolvers = {
      ...Object.fromEntries(objects.map((type) => [type, resolversOf(type)])),
      Query: { ...count },
      Mutation: { ...count },
    }
    const ask = serve(sdlOf(guards), resolvers)
    const askBare = bare(sdlOf(guards), resolvers)

    for (let round = 0; round < 10; round += 1) {
      const selections = selectionsOf(random, 'T0', 4, { aliases: 0 })
      const fragments: string[] = []
      const text = `($yes: Boolean = true) { __typename @include(if: $yes) t { z: __typename ${print(selections, fragments)} } } ${fragments.join(' ')}`
      for (const as of principalNames) {
        const oracle = new Oracle(guards, as)
        const isOpen = oracle.mayType('T0')
        const t = isOpen ? { z: 'T0', ...oracle.object('T0', selections, 't') } : oracle.deny('t')
        const data = { __typename: 'Query', t }
        const errors = oracle.errors.map((path) => `${path}: ${as === 'anonymous' ? 'UNAUTHENTICATED' : 'FORBIDDEN'}`)
        for (const answer of [await ask(`query ${text}`, { as }), await askBare(`query ${text}`, { as })]) {
          expect({ as, text, data: answer.data, errors: told(answer).sort() }).toEqual({
            as,
            text,
            data,
            errors: errors.sort(),
          })
        }
        ran = 0
        const mutated = await ask(`mutation ${text}`, { as })
        const refused = !isOpen || oracle.couldDeny(['T0'], selections, false)
        expect({ as, text, ran, refused: mutated.errors.length > 0 }).toEqual({
          as,
          text,
          ran: refused ? 0 : 1,
          refused,
        })
      }
    }
  },
)
