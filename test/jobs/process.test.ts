import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { startServerProcess } from '../given-process.ts'
import { givenPerson } from '../harness.ts'
import { at } from '../session/given-sessions.ts'
import { DAY_MS, givenReceiver, telling } from './given-jobs.ts'

// On the embedded database alone: what is tested is that the program runs its jobs by itself.
test('the program tells of an expiring key within seconds of its start, and ends when it is asked to', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-jobs-'))
  const receiver = await givenReceiver()
  const server = await startServerProcess([], { env: { PORT: '0', DATA_DIR: directory, ...telling(receiver) } })
  try {
    const admin = await givenPerson(at(server.url))
    const expiresAt = new Date(Date.now() + 30 * DAY_MS + 500).toISOString()
    const key = await givenApiKey(at(server.url), admin, { expiresAt })
    for (let waited = 0; receiver.received.length === 0 && waited < 600; waited += 1) await sleep(100)
    expect(receiver.received.map(({ body }) => JSON.parse(body).data.apiKey.id)).toEqual([key.id])
    expect(await server.stop()).toMatchObject({ code: 0, stderr: '' })
    expect(server.stdout()).toContain('webhook delivered')
  } finally {
    await server.stop()
    await receiver.close()
    await rm(directory, { recursive: true, force: true })
  }
}, 180_000)
