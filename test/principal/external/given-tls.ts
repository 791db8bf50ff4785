import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** A server on 127.0.0.1 that counts who connects. */
export interface TlsServer {
  port: number
  connections(): number
  /** From now on its certificate is nobody's. */
  distrust(): void
  close(): Promise<void>
}

const DAY_MS = 86_400_000
const OIDS = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  subjectAltName: [0x55, 0x1d, 0x11],
}

/** A value in DER (X.690 §8.1). */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const lengthBytes = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content])
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const oid = (name: keyof typeof OIDS) => der(0x06, Buffer.from(OIDS[name]))
const utcTime = (date: Date) => der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`))
const nameOf = (host: string) =>
  /^[\d.]+$/.test(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))

/** A self-signed certificate (RFC 5280 §4.1) for these hosts, for a day. */
function certificateFor(hosts: readonly string[]): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(oid('ecdsaWithSha256'))
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)])
  const name = sequence(der(0x31, sequence(oid('commonName'), der(0x0c, Buffer.from(serial.toString('hex'))))))
  const now = Date.now()
  const alternatives = sequence(oid('subjectAltName'), der(0x04, sequence(...hosts.map(nameOf))))
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    name,
    sequence(utcTime(new Date(now - DAY_MS)), utcTime(new Date(now + DAY_MS))),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(alternatives)),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const cert = new X509Certificate(
    sequence(toBeSigned, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature]))),
  )
  return { key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string, cert: cert.toString() }
}

/** Starts a server whose certificate is for these hosts, and trusted by whatever connects from this process. */
export async function givenTlsServer(
  listener: RequestListener,
  hosts: readonly string[] = ['localhost', '127.0.0.1'],
): Promise<TlsServer> {
  const identity = certificateFor(hosts)
  setDefaultCACertificates([...getCACertificates('default'), identity.cert])
  const server = createServer(identity, listener)
  const distrust = () => setDefaultCACertificates(getCACertificates('default').filter((cert) => cert !== identity.cert))
  let connections = 0
  server.on('connection', () => (connections += 1))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    distrust,
    async close() {
      distrust()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
