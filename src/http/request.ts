import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import type { TellQuota } from '../rate-limits/rate-limits.ts'
import { TimeLimit, type Deadline } from '../deadline.ts'
import { tellQuota } from './rate-limit-headers.ts'
import type { WatchedOperation } from './watch.ts'

declare module 'fastify' {
  interface FastifyRequest {
    graphql: RequestScope | null
  }
}

/** What the HTTP layer tells about a request, for a context to be made of. */
export interface RequestFacts {
  requestId: string
  headers: IncomingHttpHeaders
  /** The address that the last trusted hop saw. */
  ipAddress: string
  userAgent: string | null
  /** Tells the answer's headers what is left of a limit. */
  tellQuota: TellQuota
  /**
   * Passed when the operation has run out of time and its caller has been answered 503, or when it is a query and its caller has
   * gone. Resolvers are not stopped: JavaScript cannot. Rows are neither read nor changed any more.
   */
  deadline: Deadline
}

/** What is known of the GraphQL request that is being answered, wherever there is no context at hand. */
export interface RequestScope extends WatchedOperation {
  requestId: string
  operationName: string | null
  limit: TimeLimit
}

/** Holds while Apollo Server answers a request: `formatError` is given nothing else to know the request by. */
export const requestScope = new AsyncLocalStorage<RequestScope>()

// Nor one that has the form of a credential, put into the wrong header.
const acceptedRequestId = /^(?!tk_|rt_|eyJ)[A-Za-z0-9][A-Za-z0-9_-]{7,63}$/

/** The caller's `X-Request-Id` where it is harmless in headers, logs and errors, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const presented = request.headers['x-request-id']
  return typeof presented === 'string' && acceptedRequestId.test(presented) ? presented : randomUUID()
}

/** The facts of a request, safe to store and to log. */
export function factsOf(request: FastifyRequest, deadline: Deadline = TimeLimit.none): RequestFacts {
  return {
    requestId: request.id,
    headers: request.headers,
    ipAddress: ipAddressOf(request),
    userAgent: userAgentOf(request.headers['user-agent']),
    tellQuota: (quota) => tellQuota(request, quota),
    deadline,
  }
}

function ipAddressOf(request: FastifyRequest): string {
  // A proxy that forwards what its own client claimed can bring any text here: only an address is taken.
  const kind = isIP(request.ip)
  const address = kind ? request.ip : (request.socket.remoteAddress ?? '')
  // An IPv4 address has one spelling, as far as `isIP` takes it.
  return kind === 4 || !ipaddr.isValid(address) ? address : ipaddr.process(address).toString()
}

const userAgentMaxLength = 256

function userAgentOf(header: string | undefined): string | null {
  if (header === undefined) return null
  return header.replace(/\p{Cc}/gu, '').slice(0, userAgentMaxLength)
}
