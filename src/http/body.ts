import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** A request that is refused before GraphQL sees it. Its message is for the caller. */
export class BadRequest extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.name = 'BadRequest'
    this.statusCode = statusCode
  }
}

/**
 * Takes JSON bodies in UTF-8 and no others. Form and text bodies, which a browser sends across sites without
 * asking, have no parser at all: they are 415 before anything reads them.
 */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    assertUtf8(request, body)
    void parseJson(request, body.toString('utf8'), done)
  })
}

/** @throws BadRequest for a body in another encoding, or none */
export function assertUtf8(request: FastifyRequest, body: Buffer): void {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(request.headers['content-type'] ?? '')?.[1]
  // RFC 8259 §8.1: JSON between systems is UTF-8; another label would make this server and a proxy disagree.
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw new BadRequest(415, 'The body must be in UTF-8')
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new BadRequest(415, 'The body must not be compressed')
  }
  if (!isUtf8(body)) throw new BadRequest(400, 'The body is not valid UTF-8')
}
