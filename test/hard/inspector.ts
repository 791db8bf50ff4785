import { once } from 'node:events'

/** A look into a running server from outside, by the protocol of Node's inspector: nothing of it is in the server's code. */
export interface Inspector {
  /** The heap that is in use once everything is collected that can be, in bytes. */
  heapAfterCollection(): Promise<number>
  /** What happened since the last look. */
  look(): Promise<Look>
  close(): void
}

export interface Look {
  heapBytes: number
  rssBytes: number
  /** Percentiles of the event loop's delay, in milliseconds: since the last look, and since the first. */
  delayMs: { p50: number; p99: number; max: number }
  delayInAllMs: { p50: number; p99: number; max: number }
}

/** How often the event loop is asked, in milliseconds: what is measured is that and its delay. */
const RESOLUTION_MS = 10

const BEGIN = `globalThis.watched = (() => {
  const { monitorEventLoopDelay } = process.getBuiltinModule('node:perf_hooks')
  const [lately, inAll] = [0, 1].map(() => monitorEventLoopDelay({ resolution: ${RESOLUTION_MS} }))
  lately.enable()
  inAll.enable()
  const told = (delay) => {
    const ms = (ns) => Math.max(0, ns / 1e6 - ${RESOLUTION_MS})
    return { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) }
  }
  return () => {
    const { heapUsed, rss } = process.memoryUsage()
    const look = { heapBytes: heapUsed, rssBytes: rss, delayMs: told(lately), delayInAllMs: told(inAll) }
    lately.reset()
    return look
  }
})(); 0`

/** Looks into a process that was started with `--expose-gc` and with `--inspect` at this port. */
export async function inspect(port: number): Promise<Inspector> {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`)
  const [{ webSocketDebuggerUrl }] = (await listed.json()) as [{ webSocketDebuggerUrl: string }]
  const socket = new WebSocket(webSocketDebuggerUrl)
  await once(socket, 'open')
  const waiting = new Map<number, (result: any) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result: unknown }
    if (id === undefined) return
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  let sent = 0
  const call = (method: string, params: object = {}): Promise<any> => {
    sent += 1
    socket.send(JSON.stringify({ id: sent, method, params }))
    const { promise, resolve } = Promise.withResolvers<unknown>()
    waiting.set(sent, resolve)
    return promise
  }
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, returnByValue: true })
    if (exceptionDetails) throw new Error(`The inspected process failed: ${JSON.stringify(exceptionDetails)}`)
    return result.value as unknown
  }
  await evaluate(BEGIN)
  return {
    async heapAfterCollection() {
      // The protocol's own collection throws away what is compiled, too, and stops the server for as long as that takes.
      await evaluate('gc()')
      return (await call('Runtime.getHeapUsage')).usedSize as number
    },
    look: async () => (await evaluate('watched()')) as Look,
    close: () => socket.close(),
  }
}
