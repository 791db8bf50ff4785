import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Running } from '../given-process.ts'
import { expectBorne, givenInstance, givenPeople, underLoad } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { givenTcpProxy, type TcpProxy } from './tcp-proxy.ts'

let primary: Cluster
let replica: Cluster
let proxy: TcpProxy
let server: Running
/** Another one, which must hear what ends on the first. */
let other: Running

beforeAll(async () => {
  primary = await givenCluster()
  replica = await primary.replica()
  // What is acknowledged is on both: an asynchronous replica may lack the last changes, whatever the server does.
  await primary.run(`alter system set synchronous_standby_names = '*'`)
  await primary.run('select pg_reload_conf()')
  proxy = await givenTcpProxy(primary.port)
  server = await givenInstance(proxy.port)
  other = await givenInstance(proxy.port)
})
afterAll(async () => {
  await server?.stop()
  await other?.stop()
  await proxy?.close()
  await replica?.remove()
  await primary?.remove()
})

test('the primary is lost, and its replica promoted in its place', async () => {
  const people = await givenPeople(server)
  const loseThePrimary = async () => {
    await primary.stop('immediate')
    // For a moment there are only reads: the replica follows nobody, and takes no changes yet.
    proxy.leadTo(replica.port)
    await sleep(1_500)
    await replica.promote()
  }
  const { load, ...times } = await underLoad(server.url, people, loseThePrimary, [other.url])
  const failure = 'the primary is lost; 1.5 s later its synchronous replica, reached at the same address, is promoted'
  const failed = await expectBorne('postgres-failover', { failure, ...times }, { load, cluster: replica })
  expect(failed.length).toBeGreaterThan(0)
  expect(await replica.run('select pg_is_in_recovery() as follows')).toEqual([{ follows: false }])
})
