/** The least length of a secret, in bytes: 256 bits. */
export const leastSecretBytes = 32

/** What examples and defaults are made of. A secret must be long enough without them. */
const exampleWords =
  /change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this)|secret|password|example|placeholder|insecure|default|development|tenantry|jwt|your|keyboard ?cat|qwertyuiop|abcdefgh|12345678|0123456789/gi

/** Whether a secret looks like one of an example: without such words and without repetition, 32 bytes must be left. */
export function isExample(secret: string): boolean {
  const rest = secret.replace(exampleWords, '').replace(/(.{1,16}?)\1{2,}/gsu, '$1')
  return Buffer.byteLength(rest) < leastSecretBytes || new Set(rest).size < 10
}
