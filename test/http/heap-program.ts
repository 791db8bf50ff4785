import { loadConfig } from '../../src/config.ts'
import { createApp } from '../../src/app.ts'
import { createLogger } from '../../src/http/log.ts'
import { embeddedImage } from '../embedded-image.ts'

// Sends a server that runs in this process as many distinct documents as its arguments say, in turn, and writes after each
// stage how many MiB of heap are in use. With --expose-gc.

const stages = process.argv.slice(2).map(Number)
const config = loadConfig(
  {
    NODE_ENV: 'test',
    DATA_DIR: ':memory:',
    JWT_SECRET: 'c29tZSBzZWNyZXQgZm9yIHRlc3RzIGFsb25lIQ-and-long',
    PASSWORD_PEPPER: 'a pepper for tests alone, long enough',
    API_KEY_HASH_KEY: 'a key for the hashes of tests alone, long enough',
    AUTOMATIC_PERSISTED_QUERIES: 'true',
    RATE_LIMIT_STORE: 'memory',
    RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1000000',
  },
  '/dev/null',
)
const app = await createApp(config, { log: createLogger('silent'), image: embeddedImage() })
await app.server.ready()

let sent = 0

/** A document of its own: valid, planned for somebody unknown, and then denied. */
async function sendDocument(): Promise<void> {
  sent += 1
  const query = `query Q${sent} { projects(first: 10) { nodes { id name a${sent}: gateways(first: 3) { nodes { id name } } } } }`
  const answer = await app.server.inject({ method: 'POST', url: '/graphql', payload: { query } })
  if (answer.statusCode !== 401) throw new Error(answer.body)
}

function heapMiB(): number {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20)
}

await sendDocument()
const measured = [heapMiB()]
for (const documents of stages) {
  for (let n = 0; n < documents; n += 1) await sendDocument()
  measured.push(heapMiB())
}
await app.close()
process.stdout.write(JSON.stringify(measured))
