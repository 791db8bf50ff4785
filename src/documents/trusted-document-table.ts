import { advisoryLocks } from '../database/advisory-locks.ts'
import type { Database } from '../database/database.ts'
import type { RunStatement } from '../database/owner.ts'
import { runStatement } from '../database/statement.ts'
import type { NewDocument } from './check-documents.ts'

/** Where instances are told that the documents have changed. Not how: a made-up notification must not change them. */
export const DOCUMENTS_CHANNEL = 'tenantry_documents'

/** Every instance holds all documents in memory: as many as this, and with as many characters together. */
export const MOST_DOCUMENTS = 10_000
export const MOST_CHARACTERS = 32 * 2 ** 20

/** Read at once: a part of what may be several megabytes. */
const BODIES_AT_ONCE = 500

/** A document as it is listed. */
export interface ListedDocument {
  hash: string
  name: string
  createdAt: string
}

/** The hashes of all documents. */
export async function readHashes(database: Database): Promise<string[]> {
  const { rows } = await runStatement(database, {
    text: 'select hash from trusted_documents limit $1',
    values: [MOST_DOCUMENTS],
  })
  return (rows as { hash: string }[]).map(({ hash }) => hash)
}

/** The texts of the documents with these hashes, by hash. */
export async function readBodies(database: Database, hashes: readonly string[]): Promise<Map<string, string>> {
  const bodies = new Map<string, string>()
  for (let at = 0; at < hashes.length; at += BODIES_AT_ONCE) {
    const { rows } = await runStatement(database, {
      text: 'select hash, body from trusted_documents where hash = any($1::text[])',
      values: [hashes.slice(at, at + BODIES_AT_ONCE)],
    })
    for (const { hash, body } of rows as { hash: string; body: string }[]) bodies.set(hash, body)
  }
  return bodies
}

/** Changes the documents as their owner, one after another, and tells every instance when that has committed. */
async function change<T>(run: RunStatement, work: () => Promise<T>): Promise<T> {
  await run('select pg_advisory_xact_lock(?)', [advisoryLocks.trustedDocuments])
  const result = await work()
  await run('select pg_notify(?, ?)', [DOCUMENTS_CHANNEL, ''])
  return result
}

/**
 * Adds documents; those that are there already stay as they are.
 * @returns how many are new
 * @throws Error where there would be more than instances hold.
 */
export function addDocuments(run: RunStatement, documents: readonly NewDocument[]): Promise<number> {
  return change(run, async () => {
    let added = 0
    for (const { hash, body, name } of documents) {
      const rows = await run(
        'insert into trusted_documents (hash, body, name) values (?, ?, ?) on conflict (hash) do nothing returning hash',
        [hash, body, name],
      )
      added += rows.length
    }
    await assertHoldable(run)
    return added
  })
}

async function assertHoldable(run: RunStatement): Promise<void> {
  const [sum] = await run(
    'select count(*)::int as documents, coalesce(sum(length(body)), 0)::float8 as characters from trusted_documents',
  )
  const documents = Number(sum?.documents)
  const characters = Number(sum?.characters)
  if (documents <= MOST_DOCUMENTS && characters <= MOST_CHARACTERS) return
  throw new Error(
    `There would be ${documents} documents of ${characters} characters; ${MOST_DOCUMENTS} of ${MOST_CHARACTERS} can be held: remove some first`,
  )
}

/** Removes documents by their hashes. @throws Error naming every hash that none has; then nothing is removed. */
export function removeDocuments(run: RunStatement, hashes: readonly string[]): Promise<void> {
  return change(run, async () => {
    const unknown: string[] = []
    for (const hash of new Set(hashes)) {
      const rows = await run('delete from trusted_documents where hash = ? returning hash', [hash])
      if (rows.length === 0) unknown.push(hash)
    }
    if (unknown.length > 0) throw new Error(unknown.map((hash) => `There is no document ${hash}`).join('\n'))
  })
}

/** All documents without their texts, by name. */
export async function listDocuments(run: RunStatement): Promise<ListedDocument[]> {
  const rows = await run(
    'select hash, name, extract(epoch from created_at)::float8 as created_seconds from trusted_documents order by name, hash',
  )
  return rows.map(({ hash, name, created_seconds }) => ({
    hash: String(hash),
    name: String(name),
    createdAt: new Date(Math.round(Number(created_seconds) * 1_000)).toISOString(),
  }))
}
