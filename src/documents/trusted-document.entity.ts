import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/**
 * A document that is known beforehand, by the SHA-256 of its text. It is nobody's: every caller may have it run, within what
 * the caller may do. Rows are added and removed, never changed, by the owner of the table alone: no role that serves requests
 * holds more than the right to read it.
 */
export const TrustedDocument = defineEntity({
  name: 'TrustedDocument',
  tableName: 'trusted_documents',
  properties: {
    /** SHA-256 of `body` in UTF-8, as 64 lower-case hexadecimal digits. */
    hash: p.text().primary(),
    body: p.text(),
    /** The names of its operations, separated by commas, for whoever lists them; empty where none has a name. */
    name: p.text(),
    createdAt: p.datetime(3).defaultRaw('now()'),
  },
  rowLevelSecurity: 'force',
  // Of every role, the owner too: what each may do follows from the grants.
  policies: [{ name: 'trusted_documents_all', using: 'true', check: 'true' }],
})

export type TrustedDocumentRow = InferEntity<typeof TrustedDocument>
