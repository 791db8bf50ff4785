import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import type { HttpConfig } from './config.ts'
import { exampleTabs } from './graphiql/examples.ts'
import { graphiqlPolicy } from './headers.ts'

interface Asset {
  type: string
  content: Buffer
  /** A digest of the content: the asset's ETag, and the part of its URL that changes with it. */
  version: string
}

const javascript = 'text/javascript; charset=utf-8'
const css = 'text/css; charset=utf-8'

/** Serves GraphiQL at `/graphiql`, with all that it loads: the page works without any other host. */
export function graphiqlRoutes(app: FastifyInstance, config: HttpConfig): void {
  const assets = loadAssets()
  const page = renderPage(assets, config)
  app.get('/graphiql', async (_request, reply) => {
    reply.headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': graphiqlPolicy,
      'cache-control': 'no-cache',
    })
    return page
  })
  for (const [name, asset] of assets) {
    const etag = `"${asset.version}"`
    app.get(`/graphiql/${name}`, async (request, reply) => {
      reply.headers({ 'cache-control': 'public, max-age=31536000, immutable', etag })
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.header('content-type', asset.type).send(asset.content)
    })
  }
}

function loadAssets(): Map<string, Asset> {
  const require = createRequire(import.meta.url)
  // Packages name no way to these files but the package's own folder.
  const inPackage = (name: string, file: string): string => join(dirname(require.resolve(`${name}/package.json`)), file)
  const own = (file: string): string => fileURLToPath(new URL(`graphiql/${file}`, import.meta.url))
  return new Map([
    ['react.js', load(inPackage('react', 'umd/react.production.min.js'), javascript)],
    ['react-dom.js', load(inPackage('react-dom', 'umd/react-dom.production.min.js'), javascript)],
    ['graphiql.js', load(inPackage('graphiql', 'graphiql.min.js'), javascript)],
    ['graphiql.css', load(inPackage('graphiql', 'graphiql.min.css'), css)],
    ['page.js', load(own('page.js'), javascript)],
    ['page.css', load(own('page.css'), css)],
  ])
}

function load(path: string, type: string): Asset {
  const content = readFileSync(path)
  return { type, content, version: createHash('sha256').update(content).digest('base64url').slice(0, 16) }
}

function renderPage(assets: ReadonlyMap<string, Asset>, config: HttpConfig): string {
  const url = (name: string): string => `/graphiql/${name}?v=${assets.get(name)?.version}`
  const settings = { endpoint: '/graphql', introspection: config.introspection, tabs: exampleTabs }
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>GraphiQL – Tenantry</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${url('graphiql.css')}" />
    <link rel="stylesheet" href="${url('page.css')}" />
  </head>
  <body>
    <div class="bar" role="status">
      <span id="hint"></span>
      <button id="forget" type="button" hidden>Forget the token</button>
      <span id="no-introspection" hidden>
        Introspection is disabled on this server: there are no docs and no completion here.
      </span>
    </div>
    <div id="graphiql">Loading…</div>
    <script type="application/json" id="settings">${JSON.stringify(settings).replaceAll('<', '\\u003c')}</script>
    <script src="${url('react.js')}"></script>
    <script src="${url('react-dom.js')}"></script>
    <script src="${url('graphiql.js')}"></script>
    <script src="${url('page.js')}"></script>
  </body>
</html>
`
}
