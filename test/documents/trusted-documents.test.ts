import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { startTrustedDocuments, type TrustedDocuments } from '../../src/documents/trusted-documents.ts'
import { givenDatabase, type TestDatabase } from '../database/given-database.ts'
import { deaf, givenFailures, givenLog } from '../principal/given-signing-keys.ts'
import { hashOf } from './given-documents.ts'

const BODY = 'query Held { __typename }'
const OTHER = 'query Other { __typename }'

let db: TestDatabase
let documents: TrustedDocuments
let logged: string[]
const channel = givenFailures()

const insert = (body: string) =>
  db.asOwner(`insert into trusted_documents (hash, body, name) values ($1, $2, '')`, [hashOf(body), body])
const remove = (body: string) => db.asOwner('delete from trusted_documents where hash = $1', [hashOf(body)])
/** Longer than what is held may be old while changes may be missed. */
const pause = () => sleep(550)

beforeAll(async () => {
  db = await givenDatabase()
})
beforeEach(async () => {
  await db.asOwner('delete from trusted_documents')
  Object.assign(channel, givenFailures())
  await insert(BODY)
  const log = givenLog()
  logged = log.logged
  documents = await startTrustedDocuments(deaf(db.database, channel), log.log)
})
afterEach(() => documents.stop())
afterAll(() => db?.close())

test('a document is found at once, and so is that there is none: the database is not asked', () => {
  const before = db.statements.length
  expect(documents.find(hashOf(BODY))).toBe(BODY)
  expect(documents.find(hashOf(OTHER))).toBeNull()
  expect(db.statements).toHaveLength(before)
})

test('while changes may be missed, what is removed is not found, and what is added is', async () => {
  channel.live = false
  await remove(BODY)
  await insert(OTHER)
  await pause()
  expect(await documents.find(hashOf(BODY))).toBeNull()
  expect(await documents.find(hashOf(OTHER))).toBe(OTHER)
})

test('while the documents cannot be read, those that are held are used, until they can be read again', async () => {
  await db.asOwner('alter table trusted_documents rename to away')
  try {
    channel.live = false
    await pause()
    expect(await documents.find(hashOf(BODY))).toBe(BODY)
    expect(await documents.find(hashOf(OTHER))).toBeNull()
    expect(logged.join('')).toContain('the trusted documents could not be read again')
  } finally {
    await db.asOwner('alter table away rename to trusted_documents')
  }
  await remove(BODY)
  await pause()
  expect(await documents.find(hashOf(BODY))).toBeNull()
})
