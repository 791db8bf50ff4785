import { fork } from 'node:child_process'
import { placeOf } from './findings.ts'

/** Who a client is. */
export interface Session {
  email: string
  password: string
  token: string
  refreshToken: string
}

/** What a client asks for. */
export type Kind = 'read' | 'me' | 'write' | 'refresh' | 'login'

/** What the clients do: each has a session and a connection, and waits for its answer before it pauses and asks again. */
export interface Plan {
  url: string
  sessions: readonly Session[]
  seconds: number
  /** The shortest and the longest pause after an answer, in milliseconds; `Retry-After` is heeded. */
  pauseMs: readonly [number, number]
  /** How often each kind is asked for, of 1; what is missing is `read`. */
  shares: Partial<Record<Kind, number>>
  /** One of the clients signs in anew as often, in milliseconds. */
  loginEveryMs?: number
}

/** A request that was made. */
export interface Asked {
  kind: Kind
  /** When, in milliseconds from the beginning. */
  atMs: number
  tookMs: number
  /** `200`, `503 UNAVAILABLE`, or `no answer: …`. */
  outcome: string
  /** `Retry-After`; 0 where there is none. */
  retryAfterSeconds: number
}

/** Runs clients in a process of their own, until their time is over. @throws Error where it ends without having told. */
export function runClients(plan: Plan): Promise<Asked[]> {
  const child = fork(placeOf('test/hard/clients.ts'), { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  return new Promise((resolve, reject) => {
    child.once('message', (asked) => resolve(asked as Asked[]))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`The clients have ended with ${code}`)))
    child.send(plan)
  })
}
