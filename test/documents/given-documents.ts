import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from '@jest/globals'
import { hashOfDocument } from '../../src/documents/document-hash.ts'
import { ownerOf } from '../database/given-database.ts'
import type { Answer, TestServer } from '../harness.ts'

export { hashOfDocument as hashOf }

/** What Apollo's clients put into `extensions`. */
export const persistedQuery = (sha256Hash: unknown, version: unknown = 1) => ({
  persistedQuery: { version, sha256Hash },
})

/** What the project's owner does to the documents beside a running server, as `npm run documents` does. */
export interface Keeper {
  trust(...bodies: string[]): Promise<void>
  forget(body: string): Promise<void>
  /** Adds a row as it stands, whatever its hash is. */
  plant(hash: string, body: string): Promise<void>
  /** A server whose every document is trusted first, for set-up. */
  settingUp: Pick<TestServer, 'send'>
  end(): Promise<void>
}

/** Waits for what a notification brings about. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const start = performance.now()
  while (!(await holds())) {
    expect(performance.now() - start).toBeLessThan(5_000)
    await sleep(10)
  }
}

export async function givenKeeper(server: TestServer): Promise<Keeper> {
  const { run, end } = await ownerOf(server.app.services.database, server.databaseUrl)
  const notify = () => run(`select pg_notify('tenantry_documents', '')`)
  const isTrusted = async (body: string) => !isRefused(await post(server.url, { query: body }))
  const insert = async (hash: string, body: string) => {
    const sql = `insert into trusted_documents (hash, body, name) values ($1, $2, '') on conflict do nothing`
    await run(sql, [hash, body])
  }
  async function trust(...bodies: string[]): Promise<void> {
    for (const body of bodies) await insert(hashOfDocument(body), body)
    await notify()
    for (const body of bodies) await until(() => isTrusted(body))
  }
  return {
    trust,
    async forget(body) {
      await run('delete from trusted_documents where hash = $1', [hashOfDocument(body)])
      await notify()
      await until(async () => !(await isTrusted(body)))
    },
    async plant(hash, body) {
      await insert(hash, body)
      await notify()
    },
    settingUp: {
      async send(query, sending) {
        await trust(query)
        return server.send(query, sending)
      },
    },
    end,
  }
}

type Headers = Record<string, string>

async function answerOf(response: Response): Promise<Answer> {
  const body = (await response.json()) as { data?: unknown; errors?: Answer['errors'] }
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors ?? [] }
}

/** Sends a body by POST. */
export async function post(url: string, body: unknown, headers: Headers = {}): Promise<Answer> {
  const method = 'POST'
  const sent = { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
  return answerOf(await fetch(`${url}/graphql`, sent))
}

/** Sends a request by GET: what is no text goes as JSON. */
export async function get(url: string, parameters: Record<string, unknown>, headers: Headers = {}): Promise<Answer> {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return answerOf(await fetch(`${url}/graphql?${search.toString()}`, { headers }))
}

const isRefused = ({ errors }: Answer) => errors.some(({ extensions }) => extensions.code === 'DOCUMENT_NOT_TRUSTED')

/** Nothing was run, and nothing is told but that. */
export function expectRefused(answer: Answer): void {
  expect(answer.errors).toEqual([
    {
      message: 'This server runs only documents that it knows beforehand, and this is none of them',
      extensions: { code: 'DOCUMENT_NOT_TRUSTED' },
    },
  ])
  expect(answer).toMatchObject({ status: 400, data: undefined })
}
