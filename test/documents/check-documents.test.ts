import { describe, expect, test } from '@jest/globals'
import { checkDocuments } from '../../src/documents/check-documents.ts'
import { readManifest } from '../../src/documents/manifest.ts'
import { operationLimits } from '../../src/http/limits.ts'
import { testConfig, testSchema } from '../http/given-server.ts'
import { hashOf } from './given-documents.ts'

const HELLO = 'query Hello { hello }'
const SHA1 = '0123456789abcdef0123456789abcdef01234567'

const read = (path: string, content: unknown) =>
  readManifest(path, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)))
const apollo = (...operations: object[]) => ({ format: 'apollo-persisted-query-manifest', version: 1, operations })
const operation = (id: string, body = HELLO) => ({ id, name: 'Hello', type: 'query', body })

describe('a manifest', () => {
  test.each([
    ['of Apollo', 'm.json', apollo(operation(hashOf(HELLO)))],
    ['of Relay and codegen', 'm.json', { [hashOf(HELLO)]: HELLO }],
    ['whose ids say what hash they are', 'm.json', { [`sha256:${hashOf(HELLO)}`]: HELLO }],
    ['that is a document', 'hello.graphql', HELLO],
  ])('%s is read', (_, path, content) => {
    const { documents, mistakes } = read(path, content)
    expect(mistakes).toEqual([])
    expect(documents.map(({ body }) => body)).toEqual([HELLO])
  })

  test('keeps the text of a file as it is, to the last line break', () => {
    expect(read('hello.gql', `${HELLO}\n`).documents[0]?.body).toBe(`${HELLO}\n`)
  })

  test.each([
    ['an id of SHA-1', { [SHA1]: HELLO }, `m.json: ${SHA1}: the id is not a SHA-256 in lower-case hexadecimal`],
    [
      'the hash of another document',
      apollo(operation(hashOf('{ hello }'))),
      'm.json: Hello: the id is not the SHA-256 of the document',
    ],
    [
      'a hash in upper case',
      apollo(operation(hashOf(HELLO).toUpperCase())),
      'm.json: Hello: the id is not a SHA-256 in lower-case hexadecimal',
    ],
    ['another version', { ...apollo(), version: 2 }, 'm.json: not an apollo-persisted-query-manifest of version 1'],
    ['a list', [HELLO], 'm.json: not a manifest of documents by their hashes'],
    [
      'a document that is no text',
      { [hashOf(HELLO)]: { kind: 'Document' } },
      'm.json: not a manifest of documents by their hashes',
    ],
    ['no JSON', '{', 'm.json: not JSON'],
  ])('with %s is refused', (_, content, mistake) => {
    expect(read('m.json', content).mistakes).toEqual([mistake])
  })

  test('in another encoding, or of another kind, is refused', () => {
    expect(readManifest('m.json', Buffer.from([0xff, 0xfe])).mistakes).toEqual(['m.json: not UTF-8'])
    expect(read('m.txt', HELLO).mistakes).toEqual(['m.txt: neither .json nor .graphql'])
  })
})

describe('a document', () => {
  const rules = {
    schema: testSchema,
    introspection: false,
    maxTokens: 60,
    maxBytes: 1_000,
    rules: [operationLimits({ ...testConfig.limits, maxDepth: 3 })],
  }
  const check = (...bodies: string[]) =>
    checkDocuments(
      bodies.map((body, n) => ({ label: `${n}`, body })),
      rules,
    )

  test('that is given twice is one, with the names of its operations', () => {
    const body = 'query A { hello } query B { hello }'
    expect(check(body, HELLO, body)).toEqual({
      documents: [
        { hash: hashOf(body), body, name: 'A,B' },
        { hash: hashOf(HELLO), body: HELLO, name: 'Hello' },
      ],
      mistakes: [],
    })
  })

  test.each([
    ['what is no document', '{', '0: Syntax Error: Expected Name, found <EOF>.'],
    ['what does not fit the schema', '{ nope }', '0: Cannot query field "nope" on type "Query".'],
    ['fragments alone', 'fragment F on Query { hello }', '0: Fragment "F" is never used.'],
    [
      'a kind of operation that the server has not',
      'subscription { hello }',
      '0: the server has no subscription operations',
    ],
    [
      'more levels than the limit',
      '{ project { parent { parent { id } } } }',
      '0: The operation exceeds the limit on its depth: 3',
    ],
    [
      'more tokens than the limit',
      `{ ${'hello '.repeat(60)}}`,
      '0: Syntax Error: Document contains more that 60 tokens. Parsing aborted.',
    ],
    ['more bytes than a request may have', `${HELLO} # ${'x'.repeat(1_000)}`, '0: larger than 1000 bytes'],
    ['a text that cannot be stored', `${HELLO} # \0`, '0: not Unicode text without the character U+0000'],
    ['half a character', `${HELLO} # \uD800`, '0: not Unicode text without the character U+0000'],
  ])('with %s is refused', (_, body, mistake) => {
    const { documents, mistakes } = check(body)
    expect(documents).toEqual([])
    expect(mistakes).toContain(mistake)
  })

  test('that introspects is refused where introspection is off', () => {
    const body = '{ __schema { description } }'
    expect(check(body).mistakes).toHaveLength(1)
    expect(checkDocuments([{ label: 'x', body }], { ...rules, introspection: true }).mistakes).toEqual([])
  })

  test('is told of beside all others that have a mistake', () => {
    expect(check('{ nope }', HELLO, '{ nothing }').mistakes).toEqual([
      '0: Cannot query field "nope" on type "Query".',
      '2: Cannot query field "nothing" on type "Query".',
    ])
  })
})
