import { randomBytes } from 'node:crypto'
import { getNamedType, isInputObjectType, isListType, type GraphQLInputType } from 'graphql'
import { Bare, type Place } from './given-inputs.ts'

/** A text that is sent once, in one place and one way, and is looked for everywhere afterwards. */
export interface Mark {
  text: string
  /** `CreateProjectInput.name as a literal, plain, by an ADMIN`. */
  sent: string
  /** Where it may be found again: `projects.name`. */
  homes: readonly string[]
}

export interface Marks {
  make(sent: string, homes?: readonly string[]): string
  /** The marks in a text. */
  in(text: string): Mark[]
}

/** Marks that nothing else can be taken for: names for GraphQL, passwords for the policy, and the same in lower case. */
export function createMarks(): Marks {
  const prefix = `zq7${randomBytes(4).toString('hex')}n`
  const pattern = new RegExp(`${prefix}[0-9a-z]{4}`, 'gi')
  const known = new Map<string, Mark>()
  return {
    make(sent, homes = []) {
      const text = prefix + known.size.toString(36).padStart(4, '0')
      known.set(text, { text, sent, homes })
      return text
    },
    in: (text) => [...new Set(text.match(pattern))].map((found) => known.get(found.toLowerCase())!),
  }
}

/** Whether a value stands in the variables of an operation or in its document. */
export type Form = 'variable' | 'literal'

/** A form that a secret is given as the value of an input. */
interface Way {
  value: (mark: string, type: GraphQLInputType) => unknown
  /** Whether the type takes the value, so that the operation goes on with it. */
  fits: (type: GraphQLInputType) => boolean
  /** The types that it says something about, where others say the same of the rest. */
  of?: (type: GraphQLInputType) => boolean
  forms?: readonly Form[]
}

const nameOf = (type: GraphQLInputType) => getNamedType(type).name
const isOneOf =
  (...names: string[]) =>
  (type: GraphQLInputType) =>
    names.includes(nameOf(type))
const isText = isOneOf('String', 'ID', 'Scope', 'EmailAddress')
const never = () => false
const FORMS: readonly Form[] = ['variable', 'literal']

/** Texts that fit wherever a text does; texts that no type takes; other things than texts. */
export const ways: Record<string, Way> = {
  plain: {
    value: (mark, type) => ({ EmailAddress: `${mark}@example.test`, Scope: `${mark}:projects` })[nameOf(type)] ?? mark,
    fits: isText,
  },
  'like an API key': {
    value: (mark) => `tk_test_${mark.padEnd(49, 'a')}`,
    fits: isOneOf('String', 'ID', 'Scope'),
    forms: ['variable'],
  },
  'like a JWT': {
    value: (mark) => `eyJhbGciOiJIUzI1NiJ9.eyJ${mark}.${mark}`,
    fits: isOneOf('String', 'ID', 'Scope'),
    forms: ['literal'],
  },
  'in quotes': {
    value: (mark) => `{"${mark}":"${mark}"} at "${mark}"; '${mark}': "${mark}" does not exist in "${mark}" enum`,
    fits: isOneOf('String', 'ID', 'Scope'),
  },
  'behind a time': {
    value: (mark) => `2099-01-01T00:00:00.000Z ${mark}`,
    fits: never,
    of: (type) => !isText(type),
  },
  long: {
    value: (mark, type) => `${mark}${'x'.repeat(3000)}${nameOf(type) === 'EmailAddress' ? '@example.test' : ''}`,
    fits: isText,
    of: isText,
    forms: ['variable'],
  },
  'as a key': {
    value: (mark) => ({ [mark]: mark }),
    fits: never,
  },
  'in a list': {
    value: (mark, type) => (isListType(type) ? [[mark]] : [mark]),
    fits: never,
  },
  'as a name': {
    value: (mark) => new Bare(mark),
    fits: never,
    forms: ['literal'],
  },
  'with a character that no column holds': {
    value: (mark) => `${mark}\0`,
    fits: never,
    of: isText,
  },
}

/** One call of a field: its place, and the secret in it. */
export interface Cast {
  way: string
  form: Form
  /** Casts of different kinds are not sent together: the refusal of one would keep the others from being looked at. */
  kind: string
}

/** Every way to give a secret to an input. */
export function castsAt({ type }: Place): Cast[] {
  return Object.entries(ways).flatMap(([way, { fits, of = () => true, forms = FORMS }]) =>
    (of(type) ? forms : []).map((form) => {
      const kind = fits(type) ? 'fits' : way.startsWith('with') ? 'unstorable' : 'unfit'
      return { way, form, kind: `${kind} as a ${form}` }
    }),
  )
}

/** Columns that show a text under another name than their input's. */
const otherHomes: Record<string, readonly string[]> = {
  'RegisterInput.email': ['users.email'],
  'RegisterInput.firstName': ['users.first_name'],
  'RegisterInput.lastName': ['users.last_name'],
  'RegisterInput.organizationName': ['organizations.name', 'organizations.slug'],
  'CreateOrganizationInput.name': ['organizations.name', 'organizations.slug'],
  'SetOrganizationExternalIdInput.externalId': ['organizations.external_id'],
  'SuspendOrganizationInput.reason': ['organizations.suspension_reason'],
}

const snakeCase = (name: string) => name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase()

/** The columns that a text is stored in for whoever may read the row: its own, in the table of what it is an input for. */
export function homesOf({ coordinate, type }: Place): readonly string[] {
  const others = otherHomes[coordinate]
  if (others) return others
  const [, resource, field] = /^(?:Create|Update)(\w+)Input\.(\w+)$/.exec(coordinate) ?? []
  if (!resource || !field || isInputObjectType(type) || nameOf(type) !== 'String') return []
  return [`${snakeCase(resource)}s.${snakeCase(field)}`]
}

/** Whether what an input takes is a credential: it has no home at all, and is not even shown to who has sent it. */
export const isCredential = ({ coordinate }: Place): boolean => /password|token|secret/i.test(coordinate)
