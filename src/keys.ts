import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'
import { createApp } from './app.ts'
import { loadConfig } from './config.ts'
import { createLogger } from './http/log.ts'
import { issueApiKeys, type WantedApiKey } from './modules/api-key/issue-api-keys.ts'

const USAGE = `Makes API keys. Their secrets are written to stdout, one a line, and can never be shown again.

  npm run --silent keys -- create --organization <slug or id> --name <name> --service <service> --scopes <scope,scope>
                                  [--description <text>] [--expires-in-days <days>] [--rate-limit-per-minute <requests>]
  npm run --silent keys -- import <file.yml> [--organization <slug or id>]

docs/keys.example.yml is such a file.
`

const key = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  service: z.string(),
  scopes: z.array(z.string()),
  expiresInDays: z.coerce.number().int().min(1).max(36_500).optional(),
  rateLimitPerMinute: z.coerce.number().int().optional(),
})
const keysFile = z.strictObject({ organization: z.string().optional(), keys: z.array(key).min(1) })

interface Order {
  organization: string
  keys: WantedApiKey[]
}

/** What the arguments ask for. @throws Error that says what is wrong with them. */
function readOrder(args: string[]): Order {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ organization: text, name: text, description: text, service: text, scopes: text },
      ...{ 'expires-in-days': text, 'rate-limit-per-minute': text },
    },
  })
  const [command, path, ...others] = positionals
  if (command === 'import' && path && others.length === 0) return orderOf(path, values.organization)
  if (command !== 'create' || path) throw new Error(USAGE)
  const { organization, name, description, service, scopes } = values
  const wanted = key.parse({
    ...{ name, description, service },
    scopes: scopes?.split(',').map((scope) => scope.trim()),
    expiresInDays: values['expires-in-days'],
    rateLimitPerMinute: values['rate-limit-per-minute'],
  })
  return { organization: named(organization), keys: [wanted] }
}

/** The order in a file, for the organization of the command line where that names one. */
function orderOf(path: string, organization: string | undefined): Order {
  const file = keysFile.parse(parse(readFileSync(path, 'utf8')))
  return { organization: named(organization ?? file.organization), keys: file.keys }
}

function named(organization: string | undefined): string {
  if (organization) return organization
  throw new Error('organization: name one, by its slug or id')
}

/** `npm run keys`: makes API keys without signing in, for whoever may run commands where the server runs. */
async function main(): Promise<void> {
  const { organization, keys } = readOrder(process.argv.slice(2))
  const config = loadConfig()
  // stdout is for the secrets alone, so that they can be piped.
  const app = await createApp(config, { log: createLogger(config.logLevel, process.stderr) })
  try {
    const issued = await issueApiKeys(app.services, organization, keys)
    process.stdout.write(issued.map(({ secret }) => `${secret}\n`).join(''))
    for (const { apiKey } of issued) process.stderr.write(`${apiKey.service}: ${apiKey.name} (…${apiKey.lastEight})\n`)
  } finally {
    await app.close()
  }
}

main().catch((error: unknown) => {
  const mistakes = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : error
  process.stderr.write(`${String(mistakes)}\n`)
  process.exitCode = 1
})
