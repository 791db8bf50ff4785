import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Browser, type Page } from 'playwright-core'

/**
 * Drives GraphiQL in a real browser through its example session, on a new server with an empty database:
 * `npm run test:browser`. With a URL as its argument it uses the server that runs there.
 */

const browserPath = '/usr/bin/chromium'
const browserFlags = [
  '--no-sandbox',
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const patienceMs = 30_000

interface Server {
  url: string
  stop: () => Promise<void>
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function startServer(): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tenantry-browser-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const settings = { DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: String(port), NODE_ENV: 'development' }
  const child = spawn(process.execPath, ['src/main.ts'], { env: { ...process.env, ...settings } })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const stop = async (): Promise<void> => {
    await endProcess(child)
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    await untilReady(url, child)
  } catch (error) {
    await stop()
    throw new Error(`The server did not start.\n${output}`, { cause: error })
  }
  return { url, stop }
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`It ended with the code ${child.exitCode}`)
    const ready = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    )
    if (ready) return
    await sleep(100)
  }
  throw new Error('It was not ready in time')
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const inTime = await Promise.race([ended.then(() => true), sleep(15_000, false, { ref: false })])
  if (!inTime) child.kill('SIGKILL')
  await ended
}

/** What the page has asked for, and what went wrong in it. */
interface Traffic {
  foreign: string[]
  failures: string[]
  authorization: string | undefined
}

function watch(page: Page, origin: string): Traffic {
  const traffic: Traffic = { foreign: [], failures: [], authorization: undefined }
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin) traffic.foreign.push(url.href)
    if (url.pathname === '/graphql') traffic.authorization = request.headers().authorization
  })
  page.on('pageerror', (error) => traffic.failures.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') traffic.failures.push(message.text())
  })
  return traffic
}

interface Result {
  data?: Record<string, Record<string, unknown>>
  errors?: unknown
}

const tabNames = (page: Page): Promise<string[]> => page.locator('.graphiql-tab-button').allInnerTexts()

/** Opens the tab of an example, runs it and reads the result as the page shows it. */
async function runTab(page: Page, name: string): Promise<Result> {
  await page.locator('.graphiql-tab-button', { hasText: name }).click()
  // GraphiQL reads the operation's name a moment after it has shown the tab; people are slower than that.
  await sleep(500)
  const answered = page.waitForResponse(
    (response) => response.url().endsWith('/graphql') && (response.request().postData() ?? '').includes(` ${name}(`),
  )
  await page.locator('button.graphiql-execute-button').click()
  await answered
  const shown = "document.querySelector('.graphiql-response .CodeMirror')?.CodeMirror.getValue() ?? ''"
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    const text = await page.evaluate<string>(shown)
    if (text.startsWith('{') && /"(?:data|errors)"/.test(text)) return JSON.parse(text) as Result
    await sleep(50)
  }
  throw new Error(`${name}: no result is shown`)
}

let passed = 0
let failed = 0

function check(promise: string, kept: boolean, told?: unknown): void {
  if (kept) passed += 1
  else failed += 1
  console.log(kept ? `ok      ${promise}` : `FAILED  ${promise} ${JSON.stringify(told) ?? ''}`)
}

async function exampleSession(page: Page, url: string): Promise<void> {
  const traffic = watch(page, new URL(url).origin)
  await page.goto(`${url}/graphiql`)
  await page.locator('.graphiql-container').waitFor()
  const tabs = await tabNames(page)
  check('the page opens with the example session', tabs.join() === 'Register,Login,CreateProject,ListProjects', tabs)

  const registered = await runTab(page, 'Register')
  const firstToken = registered.data?.register?.accessToken
  check('registering shows an access token', typeof firstToken === 'string', registered)
  check('the page says that it sends the token', (await page.locator('#hint').innerText()).includes('is sent'))

  const signedIn = await runTab(page, 'Login')
  const token = signedIn.data?.login?.accessToken
  check('signing in shows another access token', typeof token === 'string' && token !== firstToken, signedIn)

  const created = await runTab(page, 'CreateProject')
  const project = created.data?.createProject?.project as { id: string; name: string } | undefined
  check('the newest token is sent where none is typed', traffic.authorization === `Bearer ${String(token)}`)
  check('creating a project shows it', project !== undefined, created)

  const listed = await runTab(page, 'ListProjects')
  const nodes = (listed.data?.projects?.nodes ?? []) as { id: string; gateways: { nodes: unknown[] } }[]
  const found = nodes.find((node) => node.id === project?.id)
  check('listing projects shows it, with its gateways', Array.isArray(found?.gateways.nodes), listed)

  await page.reload()
  await page.locator('.graphiql-container').waitFor()
  check('the tabs are kept by the browser', (await tabNames(page)).join() === tabs.join())
  const again = await runTab(page, 'ListProjects')
  check('the token outlives a reload', again.errors === undefined, again)

  await page.getByRole('button', { name: 'Forget the token' }).click()
  const denied = await runTab(page, 'ListProjects')
  check('a forgotten token is not sent', traffic.authorization === undefined && denied.errors !== undefined, denied)

  check('the page asks no other host', traffic.foreign.length === 0, traffic.foreign)
  const unexpected = traffic.failures.filter((text) => !text.includes('401') && !text.includes('403'))
  check('nothing in the page fails', unexpected.length === 0, unexpected)
}

async function main(): Promise<void> {
  if (!existsSync(browserPath)) {
    console.error(`There is no ${browserPath}. On Debian: apt-get update && apt-get install -y chromium`)
    process.exitCode = 1
    return
  }
  const running = process.argv[2]
  let server: Server | undefined
  let browser: Browser | undefined
  try {
    server = running === undefined ? await startServer() : { url: running, stop: async () => {} }
    browser = await chromium.launch({ executablePath: browserPath, args: browserFlags })
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
    page.setDefaultTimeout(patienceMs)
    await exampleSession(page, server.url)
  } catch (error) {
    console.error(error)
    check('the example session can be driven to its end', false)
  } finally {
    await browser?.close()
    await server?.stop()
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

await main()
