import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import type { ErrorCode } from '../errors.ts'
import type { HttpConfig } from './config.ts'
import { errorBody } from './errors.ts'

interface Refusal {
  status: number
  code: ErrorCode
  message: string
}

/**
 * Answers what never becomes a request: it does not arrive in time, or is not HTTP. There are no headers of a request to go by,
 * and the connection is closed, because nobody knows where on it the next request would begin.
 */
export function answerClientErrors({ requestTimeoutMs }: Pick<HttpConfig, 'requestTimeoutMs'>) {
  return ({ code }: ConnectionError, socket: Socket): void => {
    if (code !== 'ECONNRESET' && socket.writable) socket.write(responseTo(refusalOf(code, requestTimeoutMs)))
    socket.destroy()
  }
}

function refusalOf(code: string, requestTimeoutMs: number): Refusal {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      // RFC 9110 §15.5.9
      return { status: 408, code: 'TIMEOUT', message: `The request took longer than ${requestTimeoutMs} ms to arrive` }
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'BAD_REQUEST', message: 'The headers are too large' }
    default:
      return { status: 400, code: 'BAD_REQUEST', message: 'The request is not valid HTTP' }
  }
}

function responseTo({ status, code, message }: Refusal): string {
  const body = errorBody(code, message)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Cache-Control: no-store',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
