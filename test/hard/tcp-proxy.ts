import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A network between a client and a server, which can be broken in the ways that networks break. */
export interface TcpProxy {
  port: number
  /** Leads connections that are made from now on to another port of this machine; those that stand go on. */
  leadTo(port: number): void
  /** Hands on each piece of what is sent this much later, in milliseconds; 0: at once. */
  delay(ms: number): void
  /** Resets the connections that stand. New ones are accepted as before. */
  cut(): void
  /** Half open: takes everything, from old connections and new ones, and hands on nothing; what it has taken is lost. */
  swallow(): void
  /** Resets the connections that stand, and lets none be made. */
  refuse(): Promise<void>
  /** Hands on again what comes from now on. Connections of which something was swallowed stay silent. */
  mend(): Promise<void>
  /** How many connections clients have made. */
  taken(): number
  close(): Promise<void>
}

type Mode = 'open' | 'swallowing'

/** Starts a proxy on a free port, in front of a port of this machine. */
export async function givenTcpProxy(targetPort: number): Promise<TcpProxy> {
  const state = { target: targetPort, delayMs: 0, mode: 'open' as Mode }
  const pairs = new Set<readonly [Socket, Socket]>()
  let taken = 0
  const server = createServer({ noDelay: true }, (client) => {
    taken += 1
    join(client, state, pairs)
  })
  const listenAt = async (at: number): Promise<number> => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listenAt(0)
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy()
  }
  const refuse = async () => {
    const closed = server.listening ? once(server, 'close') : Promise.resolve()
    server.close()
    cut()
    await closed
  }
  return {
    port,
    leadTo: (to) => void (state.target = to),
    delay: (ms) => void (state.delayMs = ms),
    cut,
    swallow: () => void (state.mode = 'swallowing'),
    refuse,
    async mend() {
      state.mode = 'open'
      if (!server.listening) await listenAt(port)
    },
    taken: () => taken,
    close: refuse,
  }
}

interface Network {
  target: number
  delayMs: number
  mode: Mode
}

/** Joins a client to the target, for as long as both stay. */
function join(client: Socket, network: Network, pairs: Set<readonly [Socket, Socket]>): void {
  // On a half-open network nobody else hears of a connection.
  const server = network.mode === 'open' ? connect({ port: network.target, host: '127.0.0.1', noDelay: true }) : null
  const pair = [client, server ?? client] as const
  pairs.add(pair)
  // What lacks a piece makes no sense to its reader: once something is lost, nothing more arrives.
  const lost = { is: server === null }
  if (server) for (const way of [[client, server] as const, [server, client] as const]) hand(...way, network, lost)
  else client.resume()
  for (const socket of new Set(pair)) {
    socket.on('error', () => {})
    socket.on('close', () => {
      // A machine that vanishes closes nothing: the other side of a half-open connection is not told.
      if (lost.is || network.mode === 'swallowing') return
      pairs.delete(pair)
      for (const other of pair) other.destroy()
    })
  }
}

/** Hands on what one side sends, each piece in its turn. */
function hand(from: Socket, to: Socket, network: Network, lost: { is: boolean }): void {
  let turn = Promise.resolve()
  from.on('data', (data) => {
    if (network.mode === 'swallowing') lost.is = true
    if (lost.is) return
    const { delayMs } = network
    turn = turn.then(async () => {
      if (delayMs > 0) await sleep(delayMs)
      if (!lost.is && to.writable) to.write(data)
    })
  })
}
