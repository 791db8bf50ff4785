import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { Client } from 'pg'
import { listenOn } from '../../src/database/postgres-listener.ts'
import { createLogger } from '../../src/http/log.ts'
import { createDatabase } from '../harness.ts'

const log = createLogger('silent')

async function terminateListeners(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'tenantry listener' and datname = current_database()`,
  )
  await client.end()
  await sleep(100)
}

test('a listener that never connects is an error at once', async () => {
  const listening = { onMessage: () => {}, onConnected: async () => {} }
  await expect(listenOn('postgres://postgres@127.0.0.1:1/none', 'channel', listening, log)).rejects.toThrow()
})

test('a connection that is lost while it catches up does not count as live, and is made anew', async () => {
  const { url, drop } = await createDatabase()
  let connected = 0
  let liveAfterLoss: boolean | null = null
  const listener = await listenOn(
    url,
    'channel',
    {
      onMessage: () => {},
      onConnected: async () => {
        connected += 1
        if (connected === 2) await terminateListeners(url)
      },
    },
    log,
  )
  expect(listener.isLive()).toBe(true)
  await terminateListeners(url)
  const deadline = Date.now() + 20_000
  while (connected < 3 && Date.now() < deadline) {
    if (connected === 2) liveAfterLoss = (liveAfterLoss ?? false) || listener.isLive()
    await sleep(5)
  }
  await sleep(50)
  expect({ connected, liveAfterLoss, live: listener.isLive() }).toEqual({
    connected: 3,
    liveAfterLoss: false,
    live: true,
  })
  await listener.stop()
  await drop()
})
