import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { createReading } from '../database/repeated-reading.ts'
import { hashOfDocument } from './document-hash.ts'
import { DOCUMENTS_CHANNEL, readBodies, readHashes } from './trusted-document-table.ts'

const READ_INTERVAL_MS = 60_000

/** The documents that are known beforehand, as an instance holds them. */
export interface TrustedDocuments {
  /** The text of the document with this hash; null where none is trusted. A promise only while changes may be missed. */
  find(hash: string): string | null | Promise<string | null>
  /** Whether the document with this hash was trusted when the documents were read last. */
  holds(hash: string): boolean
  stop(): Promise<void>
}

/** Where nothing is trusted: nothing is read, and nobody listens. */
export const noTrustedDocuments: TrustedDocuments = { find: () => null, holds: () => false, stop: async () => {} }

/**
 * Holds all documents of the table `trusted_documents` in memory, so that what is unknown asks the database nothing, and keeps
 * up with them by notifications. A document never changes under its hash: only what is new is read.
 * @throws Error where the database cannot be reached.
 */
export async function startTrustedDocuments(database: Database, log: Logger): Promise<TrustedDocuments> {
  let held = new Map<string, string>()

  async function read(): Promise<void> {
    const hashes = await readHashes(database)
    const added = await readBodies(
      database,
      hashes.filter((hash) => !held.has(hash)),
    )
    for (const [hash, body] of added) {
      if (hashOfDocument(body) === hash) continue
      added.delete(hash)
      log.error({ hash }, 'a trusted document does not have the text of its hash, and is not used')
    }
    const next = new Map<string, string>()
    for (const hash of hashes) {
      const body = held.get(hash) ?? added.get(hash)
      if (body !== undefined) next.set(hash, body)
    }
    held = next
  }
  const reading = createReading(read, log, 'the trusted documents')
  const listening = { onMessage: reading.changed, onConnected: reading.again }
  const listener = await database.listen(DOCUMENTS_CHANNEL, listening).catch((error: unknown) => {
    reading.stop()
    throw error
  })
  const interval = setInterval(reading.changed, READ_INTERVAL_MS).unref()

  const heldNow = (hash: string) => held.get(hash) ?? null
  return {
    find: (hash) =>
      listener.isLive() && !reading.isStale()
        ? heldNow(hash)
        : // Where they cannot be read, no row can be either: what is held may be used until the database is back.
          reading.recently().then(
            () => heldNow(hash),
            () => heldNow(hash),
          ),
    holds: (hash) => held.has(hash),
    async stop() {
      clearInterval(interval)
      reading.stop()
      await listener.stop()
    },
  }
}
