import type { GraphQLSchema } from 'graphql'
import { describeRequirement } from './describe.ts'
import type { Policy } from './policy.ts'
import { makePowers, type Powers } from './powers.ts'
import { evaluate, type Requirement } from './rules.ts'
import type { ScopeRegistry } from './scopes.ts'

/** A column of the matrix. */
export interface Caller {
  readonly name: string
  readonly powers: Powers | null
}

/** One caller of each sort. */
export function typicalCallers(registry: ScopeRegistry): readonly Caller[] {
  const user = (role: 'VIEWER' | 'DEVELOPER' | 'ADMIN') => makePowers('USER', role, registry.grantsOf(role), registry)
  return [
    { name: 'anonymous', powers: null },
    { name: 'user, no organization', powers: makePowers('USER', null, [], registry) },
    { name: 'VIEWER', powers: user('VIEWER') },
    { name: 'DEVELOPER', powers: user('DEVELOPER') },
    { name: 'ADMIN', powers: user('ADMIN') },
    { name: 'operator', powers: makePowers('OPERATOR', null, [], registry) },
    { name: 'key `read:*`', powers: makePowers('API_KEY', null, ['read:*'], registry) },
    { name: 'key `*:*`', powers: makePowers('API_KEY', null, ['*:*'], registry) },
    { name: 'external `read:*`', powers: makePowers('EXTERNAL', null, ['read:*'], registry) },
  ]
}

const preface = `# Access matrix

Written by \`npm run access -- --write\` from the directives in \`schema/\`; do not edit. Each row is a coordinate with all that
applies to it: its own rules, its owner's, its returned type's, its interfaces'. \`yes\` means that the coordinate itself
is open to the caller, who must still be let through every field on the way to it. An argument or an input field is asked
about only when it is supplied. What is under \`AuthPayload\` is asked of whoever has just signed in.
`

/** The whole matrix as Markdown, in an order that depends on the schema's names alone. */
export function accessMatrix(schema: GraphQLSchema, policy: Policy, callers = typicalCallers(policy.registry)): string {
  const roots = [schema.getQueryType()?.name, schema.getMutationType()?.name]
  const rank = (owner: string) => (roots.includes(owner) ? roots.indexOf(owner) : roots.length)
  const sections = new Map<string, Row[]>()
  for (const row of rowsOf(policy)) sections.set(row.owner, [...(sections.get(row.owner) ?? []), row])
  const owners = [...sections.keys()].sort((a, b) => rank(a) - rank(b) || compare(a, b))
  return [preface, ...owners.map((owner) => section(owner, sections.get(owner) ?? [], callers))].join('\n')
}

interface Row {
  readonly owner: string
  readonly coordinate: string
  readonly requirement: Requirement
}

function rowsOf(policy: Policy): Row[] {
  const fields = [...policy.fields.values()].flatMap(({ owner, coordinate, requirement, args }) => [
    { owner: owner.name, coordinate, requirement },
    ...[...args].map(([name, needed]) => ({
      owner: owner.name,
      coordinate: `${coordinate}(${name}:)`,
      requirement: needed,
    })),
  ])
  const inputs = [...policy.inputFields].map(([coordinate, requirement]) => ({
    owner: coordinate.slice(0, coordinate.indexOf('.')),
    coordinate,
    requirement,
  }))
  return [...fields, ...inputs].sort((a, b) => compare(a.coordinate, b.coordinate))
}

function section(owner: string, rows: readonly Row[], callers: readonly Caller[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const head = ['coordinate', 'requires', ...callers.map((caller) => caller.name)]
  const body = rows.map(({ coordinate, requirement }) => [
    `\`${coordinate}\``,
    describeRequirement(requirement).replace('Requires: ', ''),
    ...callers.map(({ powers }) => (evaluate(requirement, powers) === null ? 'yes' : '')),
  ])
  return `## ${owner}\n\n${[head, head.map(() => '---'), ...body].map(line).join('\n')}\n`
}

/** By code unit, so that no machine's language changes the order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
