import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, pathOf } from './programs.ts'

/** A Redis of a test's own, to break. */
export interface RedisServer {
  port: number
  start(): Promise<void>
  /** As a power cut would: nothing is kept. */
  kill(): Promise<void>
}

/** Starts a Redis that keeps nothing on the disk, on a free port. */
export async function givenRedis(): Promise<RedisServer> {
  const port = await freePort()
  let child: ChildProcess | null = null
  const server = {
    port,
    async start() {
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
      child = spawn(pathOf('redis-server'), args, { stdio: 'ignore' })
      await untilReached(child, port)
    },
    async kill() {
      const ending = child
      child = null
      if (ending?.exitCode !== null) return
      const ended = once(ending, 'close')
      ending.kill('SIGKILL')
      await ended
    },
  }
  await server.start()
  return server
}

async function untilReached(child: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Redis has ended with ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await sleep(50)
    } finally {
      socket.destroy()
    }
  }
}
