import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'

/** A connection to somewhere that can be cut, and can fall silent. */
export interface Proxy {
  url: string
  /** Ends what is connected and refuses what comes. */
  cut(): Promise<void>
  /** Lets connections be made again. */
  mend(): Promise<void>
  /** Says nothing any more, on connections that stay open. */
  silence(): void
  /** Hands on again what is sent from now on. */
  speak(): void
  close(): Promise<void>
}

/** Stands between a client and the server at `target`. */
export async function givenProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => {
        if (!silent) to.write(data)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  const listenAt = async (at: number) => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const ownPort = await listenAt(0)
  const cut = async () => {
    const closed = server.listening ? once(server, 'close') : Promise.resolve()
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    url: `redis://127.0.0.1:${ownPort}`,
    cut,
    async mend() {
      await listenAt(ownPort)
    },
    silence() {
      silent = true
    },
    speak() {
      silent = false
    },
    close: cut,
  }
}
