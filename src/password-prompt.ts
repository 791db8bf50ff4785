import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import type { ReadStream } from 'node:tty'

/** No password is longer, in bytes, by far; what is longer is a wrong file. */
const MOST_BYTES = 16_384

/** Thrown when the person at the terminal gives up, by Ctrl-C or Ctrl-D. */
export class Interrupted extends Error {}

/**
 * A new password from whoever started the program: asked for twice, unseen, at a terminal; else the one line of standard
 * input. Never an argument or a variable, which other processes and the shell's history would show.
 * @throws Error where there is none, or the two differ; {@link Interrupted}
 */
export async function readNewPassword(input: ReadStream, output: NodeJS.WritableStream): Promise<string> {
  if (!input.isTTY) return readLine(input)
  const [password, again] = await askUnseen(['Password: ', 'The same password again: '], input, output)
  if (password === undefined || password !== again) throw new Error('The two passwords are not the same')
  return password
}

/** The text of standard input, which is to be one line; the break at its end is none of the password. */
async function readLine(input: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > MOST_BYTES) throw new Error('Standard input is too long to be a password')
    chunks.push(part)
  }
  const text = decode(Buffer.concat(chunks)).replace(/\r?\n$/, '')
  if (text === '') throw new Error('No password was given on standard input')
  if (/[\r\n]/.test(text)) throw new Error('Standard input must be one line, the password')
  return text
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Error('Standard input is not UTF-8')
  }
}

/** Asks at the terminal. The lines can be edited, and nothing of them is shown or remembered. */
async function askUnseen(
  questions: readonly string[],
  input: ReadStream,
  output: NodeJS.WritableStream,
): Promise<string[]> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
  // Before the question is asked, and one for all of them: from here on the terminal itself shows nothing either.
  const lines = createInterface({ input, output: unseen, terminal: true, historySize: 0 })
  const answers: string[] = []
  try {
    for (const question of questions) {
      output.write(question)
      answers.push(await nextLine(lines).finally(() => output.write('\n')))
    }
    return answers
  } finally {
    lines.close()
  }
}

function nextLine(lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.once('line', resolve)
    lines.once('SIGINT', () => reject(new Interrupted()))
    lines.once('close', () => reject(new Interrupted()))
  })
}
