import { isInputObjectType, type GraphQLSchema } from 'graphql'
import type { Policy } from './policy.ts'
import { isPublic, type Requirement } from './rules.ts'

interface Described {
  description?: string | null | undefined
}

/**
 * Writes what each field, argument and input field requires into its description, in place, and returns the schema:
 * introspection hides applied directives, and a client should not have to try.
 */
export function describeAccess(schema: GraphQLSchema, policy: Policy): GraphQLSchema {
  const roots = [schema.getQueryType(), schema.getMutationType()].map((type) => type?.name)
  for (const { owner, field, requirement, args } of policy.fields.values()) {
    if (!isPublic(requirement) || roots.includes(owner.name)) append(field, describeRequirement(requirement))
    for (const argument of field.args) {
      const needed = args.get(argument.name)
      if (needed) append(argument, describeRequirement(needed))
    }
  }
  for (const [coordinate, requirement] of policy.inputFields) {
    const [typeName = '', name = ''] = coordinate.split('.')
    const type = schema.getType(typeName)
    const field = isInputObjectType(type) ? type.getFields()[name] : undefined
    if (field) append(field, describeRequirement(requirement))
  }
  return schema
}

/** One line for people: ``Requires: `read:projects` ``. */
export function describeRequirement(requirement: Requirement): string {
  if (isPublic(requirement)) return 'Requires: nothing, not even a credential'
  const { kinds, role, scopes, anyOf } = requirement
  const terms = [
    ...kinds.map((list) => `kind ${alternatives(list)}`),
    ...(role ? [`role \`${role}\` or higher`] : []),
    ...scopes.map((scope) => `\`${scope}\``),
    ...anyOf.map(alternatives),
  ]
  return `Requires: ${terms.length > 0 ? terms.join(', ') : 'any credential'}`
}

function alternatives(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(' or ')
}

function append(element: Described, line: string): void {
  const { description } = element
  if (description?.endsWith(line)) return
  element.description = description ? `${description}\n\n${line}` : line
}
