import { createHash } from 'node:crypto'

const HASH = /^[0-9a-f]{64}$/

/** SHA-256 of a document's text in UTF-8, as 64 lower-case hexadecimal digits: what it is known by. */
export const hashOfDocument = (body: string): string => createHash('sha256').update(body, 'utf8').digest('hex')

/** Whether a text has the form of such a hash. In upper case it has not: a document has one name. */
export const isDocumentHash = (text: string): boolean => HASH.test(text)
