import { isExample } from './principal/example-secret.ts'

/** What keys something, and must differ from all the others: one secret for two purposes is lost for both at once. */
const secretNames = [
  ...(['JWT_SECRET', 'SIGNING_KEYS_ENCRYPTION_KEY', 'PASSWORD_PEPPER', 'API_KEY_HASH_KEY'] as const),
  ...(['WEBHOOK_SECRET', 'METRICS_TOKEN'] as const),
]
const keyNames = ['JWT_SECRET', 'JWT_PRIVATE_KEY', 'JWT_PRIVATE_KEY_FILE'] as const

type SecretSettings = Partial<Record<(typeof secretNames)[number] | (typeof keyNames)[number], string | undefined>>

/** What is wrong with the secrets beside each other, a sentence each; in production also what is missing or an example. */
export function secretMistakes(given: SecretSettings, production: boolean): string[] {
  const givenKey = keyNames.some((name) => given[name])
  return [
    production &&
      !givenKey &&
      !given.SIGNING_KEYS_ENCRYPTION_KEY &&
      `${keyNames.join(', ')} or SIGNING_KEYS_ENCRYPTION_KEY: one is required in production`,
    givenKey &&
      given.SIGNING_KEYS_ENCRYPTION_KEY &&
      'SIGNING_KEYS_ENCRYPTION_KEY: with it the keys are in the database, so JWT_SECRET, JWT_PRIVATE_KEY and ' +
        'JWT_PRIVATE_KEY_FILE must not be given; a key that signed before belongs in JWT_VERIFICATION_KEY_FILES',
    production && !given.PASSWORD_PEPPER && 'PASSWORD_PEPPER: required in production',
    production && !given.API_KEY_HASH_KEY && 'API_KEY_HASH_KEY: required in production',
    ...(production ? examplesAmong(given) : []),
    sharesSecrets(given) &&
      `${secretNames.slice(0, -1).join(', ')} and ${secretNames.at(-1) ?? ''}: must differ from each other`,
    given.JWT_PRIVATE_KEY && given.JWT_PRIVATE_KEY_FILE && 'JWT_PRIVATE_KEY and JWT_PRIVATE_KEY_FILE: give one',
  ].filter((mistake) => typeof mistake === 'string')
}

function sharesSecrets(given: SecretSettings): boolean {
  const secrets = secretNames.map((name) => given[name]).filter((secret) => secret !== undefined)
  return new Set(secrets).size < secrets.length
}

/** The secrets that others have read too, in documentation. The one of the tokens is looked at with the other keys. */
function examplesAmong(given: SecretSettings): string[] {
  return secretNames
    .filter((name) => name !== 'JWT_SECRET' && isExample(given[name] ?? '') && given[name] !== undefined)
    .map((name) => `${name}: looks like an example; make one with \`openssl rand -hex 32\``)
}
