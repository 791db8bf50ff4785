import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new GraphQLError('Scope cannot represent a non string value')
}

/** `action:resource` as text. Which scopes there are, and where a wildcard may stand, is for the fields that take one. */
export const ScopeScalar = new GraphQLScalarType<string, string>({
  name: 'Scope',
  serialize: text,
  parseValue: text,
  parseLiteral: (node) => text(node.kind === Kind.STRING ? node.value : null),
})
