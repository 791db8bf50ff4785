import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { hashSync } from 'bcryptjs'
import { afterAll, expect, jest, test } from '@jest/globals'
import { Piscina } from 'piscina'
import { ApiError } from '../../src/errors.ts'
import { TimeLimit } from '../../src/deadline.ts'
import { createPasswordHasher, type PasswordHasherSettings } from '../../src/principal/password-hashing.ts'
import { compare, hash } from '../../src/principal/password-worker.ts'

const pepper = Buffer.alloc(32, 'pepper')
const cheap = { pepper, cost: 4, threads: 1, maxQueue: 100 }
const open: { close(): Promise<void> }[] = []

function givenHasher(settings: Partial<PasswordHasherSettings> = {}) {
  const hasher = createPasswordHasher({ ...cheap, ...settings })
  open.push(hasher)
  return hasher
}

afterAll(async () => {
  await Promise.all(open.map((hasher) => hasher.close()))
})

const hasher = givenHasher()
const right = { ok: true, needsRehash: false }
const wrong = { ok: false, needsRehash: false }

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

test('a password is verified, and another is not', async () => {
  const stored = await hasher.hash('correct horse 7')
  expect(stored).toMatch(/^\$hmac-bcrypt\$v=1\$2b\$04\$[./A-Za-z\d]{53}$/)
  expect(await hasher.verify('correct horse 7', stored)).toEqual(right)
  expect(await hasher.verify('Correct horse 7', stored)).toEqual(wrong)
  expect(await hasher.verify('', stored)).toEqual(wrong)
})

test('one password has two hashes', async () => {
  expect(await hasher.hash('correct horse 7')).not.toBe(await hasher.hash('correct horse 7'))
})

test('who hashes yields to the event loop, which keeps its priority', async () => {
  const own = getPriority(process.pid)
  await givenHasher().hash('correct horse 7')
  expect(prioritiesOfThreads()).toContain(isOnLinux ? Math.min(19, own + 5) : own)
  expect(getPriority(process.pid)).toBe(own)
})

const isOnLinux = process.platform === 'linux'

/** proc_pid_stat(5): the 19th field; the second is the thread's name in brackets, in which anything may stand. Elsewhere they have the process's own. */
function prioritiesOfThreads(): number[] {
  if (!isOnLinux) return [getPriority(process.pid)]
  return readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
}

test('the same characters in other code points are the same password', async () => {
  const stored = await hasher.hash('caf\u00e9 \u212b 2026')
  expect(await hasher.verify('cafe\u0301 A\u030a 2026', stored)).toEqual(right)
})

test('what is stored is bcrypt over the HMAC of the password in NFC, or no stored password would be verified any more', async () => {
  const digest = createHmac('sha256', pepper).update('caf\u00e9 2026').digest('base64')
  const stored = `$hmac-bcrypt$v=1${hashSync(digest, 4)}`
  expect(await hasher.verify('caf\u00e9 2026', stored)).toEqual(right)
  expect(await hasher.verify('cafe\u0301 2026', stored)).toEqual(right)
  expect(await hasher.verify('cafe 2026', stored)).toEqual(wrong)
})

test('two passwords that share 72 bytes differ', async () => {
  const shared = 'x'.repeat(72)
  const stored = await hasher.hash(`${shared}1`)
  expect(await hasher.verify(`${shared}1`, stored)).toEqual(right)
  expect(await hasher.verify(`${shared}2`, stored)).toEqual(wrong)
  expect(await hasher.verify(shared, stored)).toEqual(wrong)
})

test('what stands behind NUL counts', async () => {
  const stored = await hasher.hash('\0a1')
  expect(await hasher.verify('\0a1', stored)).toEqual(right)
  expect(await hasher.verify('\0a2', stored)).toEqual(wrong)
  expect(await hasher.verify('', stored)).toEqual(wrong)
})

test('without the pepper a hash is worth nothing', async () => {
  const stored = await hasher.hash('correct horse 7')
  const other = givenHasher({ pepper: Buffer.alloc(32, 'other') })
  expect(await other.verify('correct horse 7', stored)).toEqual(wrong)
})

test('a right password with a hash of lower cost or of the older scheme asks for a new hash', async () => {
  const stored = await hasher.hash('correct horse 7')
  const dearer = givenHasher({ cost: 5 })
  expect(await dearer.verify('correct horse 7', stored)).toEqual({ ok: true, needsRehash: true })
  expect(await dearer.verify('wrong', stored)).toEqual(wrong)
  expect(await hasher.verify('correct horse 7', await dearer.hash('correct horse 7'))).toEqual(right)
  const older = hashSync('correct horse 7', 5)
  expect(await dearer.verify('correct horse 7', older)).toEqual({ ok: true, needsRehash: true })
  expect(await dearer.verify('wrong', older)).toEqual(wrong)
  expect(await dearer.verify('correct horse 7', older.replace('$2b$', '$2a$'))).toEqual({ ok: true, needsRehash: true })
})

const malformed = ['', 'x', '$hmac-bcrypt$v=1', '$hmac-bcrypt$v=2$2b$04$', '$2b$31$', '$2b$20$', '$2b$03$', '$2x$04$']

test('an account that does not exist and a malformed hash never match', async () => {
  const stored = await hasher.hash('correct horse 7')
  const texts = malformed.flatMap((text) => [text, text + stored.slice(-53)])
  for (const text of [null, stored.slice(0, -1), `${stored}x`, `${stored}\n`, ` ${stored}`, ...texts]) {
    expect(await hasher.verify('correct horse 7', text)).toEqual(wrong)
  }
})

test('no account, a malformed hash, a cheaper hash and a wrong password cost the same work', async () => {
  const slow = givenHasher({ cost: 11 })
  const stored = await slow.hash('correct horse 7')
  const cheaper = await hasher.hash('correct horse 7')
  const cases = [stored, null, 'malformed', cheaper]
  const least = cases.map(() => Infinity)
  for (let round = 0; round < 4; round += 1) {
    for (const [index, text] of cases.entries()) {
      const spent = await millisecondsOf(() => slow.verify('wrong', text))
      least[index] = Math.min(least[index] ?? Infinity, spent)
    }
  }
  // The least of each is nearest to its true cost; a missing compare would be a ratio in the hundreds.
  expect(Math.max(...least) / Math.min(...least)).toBeLessThan(2)
})

test('a full queue is told, and those in it are served', async () => {
  const small = givenHasher({ cost: 8, threads: 1, maxQueue: 2 })
  const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => small.hash('correct horse 7')))
  const refusals = attempts.filter((attempt) => attempt.status === 'rejected').map(({ reason }) => reason as ApiError)
  expect(attempts.map(({ status }) => status).filter((status) => status === 'fulfilled')).toHaveLength(3)
  expect(refusals).toHaveLength(3)
  for (const error of refusals) {
    expect(error).toBeInstanceOf(ApiError)
    expect(error.extensions).toEqual({ code: 'RATE_LIMITED', retryAfterSeconds: 1 })
    expect(error.message).not.toContain('horse')
  }
  expect(await small.verify('wrong', null)).toEqual(wrong)
})

test('whoever has been answered before a thread is free is not looked at, and those behind them are', async () => {
  const small = givenHasher({ cost: 9, threads: 1 })
  const run = jest.spyOn(Piscina.prototype, 'run')
  try {
    const late = new TimeLimit()
    const inHand = small.verify('correct horse 7', null, late)
    while (run.mock.calls.length === 0) await turn()
    const waiting = [small.verify('correct horse 7', null, late), small.hash('correct horse 7', late)]
    const behind = small.hash('correct horse 7', new TimeLimit())
    late.abort()
    for (const one of await Promise.allSettled(waiting))
      expect(one).toMatchObject({ status: 'rejected', reason: { extensions: { code: 'TIMEOUT' } } })
    // What a thread had begun comes to its end.
    expect(await inHand).toEqual(wrong)
    expect(await behind).toContain('$09$')
    expect(run).toHaveBeenCalledTimes(2)
    expect(small.unfinished()).toBe(0)
  } finally {
    run.mockRestore()
  }
})

test('a pool that is closed has finished what waited', async () => {
  const small = givenHasher({ cost: 8, threads: 1 })
  const waiting = [1, 2, 3].map(() => small.hash('correct horse 7'))
  await small.close()
  expect(await Promise.all(waiting)).toHaveLength(3)
})

test('the event loop goes on while passwords are hashed', async () => {
  const slow = givenHasher({ cost: 12, threads: 1 })
  await slow.verify('to start the thread', null)
  const shares: number[] = []
  for (let round = 0; round < 3; round += 1) {
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 5)
    const spent = await millisecondsOf(() => slow.hash('correct horse 7'))
    clearInterval(timer)
    shares.push(longest / spent)
  }
  // The best of three: a busy machine delays a timer now and then, a hash on the event loop delays each.
  expect(Math.min(...shares)).toBeGreaterThan(0)
  expect(Math.min(...shares)).toBeLessThan(0.5)
})

test('no thread starts before the first password, and none keeps the process alive after close', async () => {
  const source = new URL('../../src/principal/password-hashing.ts', import.meta.url).href
  const start = `
    import { createPasswordHasher } from ${JSON.stringify(source)}
    const settings = { pepper: Buffer.alloc(32), cost: 4, threads: 2, maxQueue: 9 }
    await createPasswordHasher(settings).close()
    const hasher = createPasswordHasher(settings)
    const answers = await Promise.all([hasher.hash('a'), hasher.verify('a', null)])
    await hasher.close()
    console.log(answers[0].length, answers[1].ok)`
  const options = { timeout: 20_000 }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', start], options)
  expect(stdout).toBe('76 false\n')
  expect(stderr).toBe('')
})

test('what runs in the threads hashes and compares', () => {
  const bcryptHash = hash({ input: 'a', cost: 4 })
  expect(compare({ input: 'a', cost: 6, bcryptHash })).toBe(true)
  expect(compare({ input: 'b', cost: 6, bcryptHash })).toBe(false)
})
