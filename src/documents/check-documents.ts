import {
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValidationRule,
} from 'graphql'
import { hashOfDocument } from './document-hash.ts'
import type { GivenDocument } from './manifest.ts'

/** A document that may be trusted: it fits the schema and the limits. */
export interface NewDocument {
  hash: string
  body: string
  name: string
}

/** What documents are held to, the same as when they are served. */
export interface DocumentRules {
  schema: GraphQLSchema
  introspection: boolean
  maxTokens: number
  /** As many bytes as a request could bring. */
  maxBytes: number
  /** Beside those of GraphQL itself. */
  rules: readonly ValidationRule[]
}

const isOperation = (definition: { kind: Kind }): definition is OperationDefinitionNode =>
  definition.kind === Kind.OPERATION_DEFINITION

/**
 * Holds documents to the schema and the limits.
 * @returns each of them once, and everything that is wrong with any of them
 */
export function checkDocuments(
  given: readonly GivenDocument[],
  rules: DocumentRules,
): { documents: NewDocument[]; mistakes: string[] } {
  const documents = new Map<string, NewDocument>()
  const mistakes: string[] = []
  for (const { label, body } of given) {
    const checked = check(body, rules)
    if ('mistakes' in checked) mistakes.push(...checked.mistakes.map((mistake) => `${label}: ${mistake}`))
    else documents.set(checked.hash, checked)
  }
  return { documents: [...documents.values()], mistakes }
}

function check(body: string, rules: DocumentRules): NewDocument | { mistakes: string[] } {
  if (body.includes('\0') || !body.isWellFormed())
    return { mistakes: ['not Unicode text without the character U+0000'] }
  if (Buffer.byteLength(body) > rules.maxBytes) return { mistakes: [`larger than ${rules.maxBytes} bytes`] }
  let document: DocumentNode
  try {
    document = parse(body, { maxTokens: rules.maxTokens })
  } catch (error) {
    if (error instanceof GraphQLError) return { mistakes: [error.message] }
    throw error
  }
  const found = [...mistakesOf(document, rules), ...unservable(document, rules.schema)]
  if (found.length > 0) return { mistakes: found }
  const names = document.definitions.filter(isOperation).flatMap(({ name }) => name?.value ?? [])
  return { hash: hashOfDocument(body), body, name: names.join(',') }
}

function mistakesOf(document: DocumentNode, { schema, introspection, rules }: DocumentRules): string[] {
  const more = introspection ? [] : [NoSchemaIntrospectionCustomRule]
  return validate(schema, document, [...specifiedRules, ...rules, ...more]).map(({ message }) => message)
}

/** What is valid and yet cannot be run. */
function unservable(document: DocumentNode, schema: GraphQLSchema): string[] {
  const operations = document.definitions.filter(isOperation)
  if (operations.length === 0) return ['without an operation']
  const missing = operations.filter(({ operation }) => !schema.getRootType(operation))
  return missing.map(({ operation }) => `the server has no ${operation} operations`)
}
