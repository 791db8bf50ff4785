import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { buildSchema, parse, validate } from 'graphql'
import { exampleTabs } from '../../src/http/graphiql/examples.ts'
import { givenServer, type GivenServer } from './given-server.ts'

let server: GivenServer
let production: GivenServer
beforeAll(async () => {
  server = await givenServer()
  production = await givenServer({
    config: { production: true, introspection: false, graphiql: false, sandbox: false },
  })
})
afterAll(() => Promise.all([server.close(), production.close()]))

describe('GraphiQL', () => {
  test('loads all that it needs from this server', async () => {
    const page = await (await fetch(`${server.url}/graphiql`)).text()
    const urls = [...page.matchAll(/(?:src|href)="([^"]+)"/g)]
      .map((match) => match[1]!)
      .filter((url) => url !== 'data:,')
    expect(urls).toHaveLength(6)
    for (const url of urls) {
      expect(url).toMatch(/^\/graphiql\//)
      const response = await fetch(server.url + url)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(url.includes('.css') ? /^text\/css/ : /^text\/javascript/)
      expect(response.headers.get('cache-control')).toContain('immutable')
      const etag = response.headers.get('etag') ?? ''
      expect((await fetch(server.url + url, { headers: { 'if-none-match': etag } })).status).toBe(304)
    }
  })

  test('may run scripts of this server alone', async () => {
    const response = await fetch(`${server.url}/graphiql`)
    const policy = response.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("connect-src 'self'")
  })

  test('says so where introspection is off', async () => {
    const dark = await givenServer({ config: { introspection: false } })
    const page = await (await fetch(`${dark.url}/graphiql`)).text()
    await dark.close()
    expect(page).toContain('"introspection":false')
    expect(page).toContain('Introspection is disabled on this server')
  })

  test('is not there where it is turned off', async () => {
    for (const path of ['/graphiql', '/graphiql/page.js']) expect((await fetch(production.url + path)).status).toBe(404)
  })

  test('holds examples that fit the schema', () => {
    const files = readdirSync('schema').filter((file) => file.endsWith('.graphql'))
    const schema = buildSchema(files.map((file) => readFileSync(`schema/${file}`, 'utf8')).join('\n'))
    for (const { query, variables } of exampleTabs) {
      expect(validate(schema, parse(query))).toEqual([])
      expect(() => JSON.parse(variables) as unknown).not.toThrow()
    }
  })
})

describe('Apollo Sandbox', () => {
  const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-site': 'none' }

  test('greets browsers outside production', async () => {
    const response = await fetch(`${server.url}/graphql`, { headers: browser })
    expect(response.headers.get('content-type')).toBe('text/html')
    expect(await response.text()).toContain('embeddable-sandbox')
    expect(response.headers.get('content-security-policy')).not.toContain('default-src')
  })

  test('is not to be had in production', async () => {
    const response = await fetch(`${production.url}/graphql`, { headers: browser })
    expect(response.status).toBe(400)
    expect(await response.text()).not.toContain('<')
  })
})

test('answers that are data may run, load and frame nothing', async () => {
  for (const url of [`${server.url}/graphql?query={hello}`, `${server.url}/health/live`, `${production.url}/nothing`]) {
    const { headers } = await fetch(url)
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.has('strict-transport-security')).toBe(url.startsWith(production.url))
  }
})

describe('a page of another origin', () => {
  const preflight = (origin: string, of = server): Promise<Response> =>
    fetch(`${of.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,x-tenant-id',
      },
    })

  test('that is allowed may call, send its credentials and read what it needs', async () => {
    const { status, headers } = await preflight('https://app.example')
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(headers.get('access-control-allow-headers')).toMatch(
      /Authorization.*X-Tenant-Id.*X-Tenant-Api-Key.*X-Api-Key/,
    )
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    const response = await server.post({ query: '{ hello }' }, { origin: 'https://app.example' })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('access-control-expose-headers')).toMatch(/Retry-After.*X-Request-Id, WWW-Authenticate/)
  })

  test('that is not allowed gets no leave', async () => {
    for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'null', 'http://app.example']) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull()
      const response = await server.post({ query: '{ hello }' }, { origin })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('gets no leave where none is configured', async () => {
    const closed = await givenServer({ config: { corsOrigins: [] } })
    const { headers } = await preflight('https://app.example', closed)
    await closed.close()
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})
