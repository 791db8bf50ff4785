import { expect, test } from '@jest/globals'
import { addressFault, isPublicAddress } from '../../../src/principal/external/address-rules.ts'

const strict = { allowPrivate: false }
const PRIVATE = 'must have a public host'

test.each([
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.0.192', '192.0.2.1', '192.88.99.1'],
  ...['192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.1.1.1'],
  ...['240.0.0.1', '255.255.255.255', '127.1', '0x7f.1', '0177.0.0.1', '2130706433', '10.1', '0xa9fea9fe'],
  ...['::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '::7f00:1', '::8.8.8.8'],
  ...[
    '::ffff:0:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::a00:1',
    '100::1',
    '2001::1',
    '2001:db8::1',
  ],
  ...['2001:2::1', '2001:10::1', '2001:20::1', '2002:7f00:1::', '2002:808:808::1', '3fff::1', '4000::1', '5f00::1'],
  ...['fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1', 'fd00:ec2::254'],
  ...['', 'example.com', '1.2.3.4.5', '8.8.8.8 ', '8.8.8.8/32', ':::1', '8.8.8.256'],
])('%p is no public address', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})

test.each(['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.1', '172.32.0.1', '223.255.255.254', '2606:4700::1111'])(
  '%p is a public address',
  (address) => {
    expect(isPublicAddress(address)).toBe(true)
  },
)

test.each([
  ['https://127.0.0.1/jwks', PRIVATE],
  ['https://127.1/jwks', PRIVATE],
  ['https://2130706433/jwks', PRIVATE],
  ['https://0x7f000001/jwks', PRIVATE],
  ['https://0177.0.0.1/jwks', PRIVATE],
  ['https://127.0.0.1./jwks', PRIVATE],
  ['https://１２７.0.0.1/jwks', PRIVATE],
  ['https://0/jwks', PRIVATE],
  ['https://169.254.169.254/latest/meta-data', PRIVATE],
  ['https://[::1]/jwks', PRIVATE],
  ['https://[::ffff:10.0.0.1]/jwks', PRIVATE],
  ['https://[::]/jwks', PRIVATE],
  ['https://[64:ff9b::a00:1]/jwks', PRIVATE],
  ['https://[fd00:ec2::254]/jwks', PRIVATE],
  ['https://localhost/jwks', PRIVATE],
  ['https://LOCALHOST/jwks', PRIVATE],
  ['https://localhost./jwks', PRIVATE],
  ['https://a.localhost/jwks', PRIVATE],
  ['https://example.com./jwks', PRIVATE],
  ['https://metadata.google.internal/jwks', PRIVATE],
  ['https://printer.local/jwks', PRIVATE],
  ['https://router.home.arpa/jwks', PRIVATE],
  ['https://vault/jwks', PRIVATE],
  ['https://example.1/jwks', 'is not a URL'],
  ['https://example..com/jwks', PRIVATE],
  ['https://*.example.com/jwks', PRIVATE],
  ['https://example.com:22/jwks', 'must have the port 443 or 8443'],
  ['https://example.com:6379/jwks', 'must have the port 443 or 8443'],
  ['https://user@example.com/jwks', 'must not contain credentials'],
  ['https://:secret@example.com/jwks', 'must not contain credentials'],
  ['http://example.com/jwks', 'must be an https URL'],
  ['file:///etc/passwd', 'must be an https URL'],
  ['data:application/json,{}', 'must be an https URL'],
  ['example.com/jwks', 'is not a URL'],
  ['', 'is not a URL'],
])('%p %s', (address, fault) => {
  expect(addressFault(address, strict)).toBe(fault)
})

test.each([
  ...[
    'https://example.com/jwks',
    'https://id.example.com:8443/jwks?p=1',
    'https://EXAMPLE.com:443/',
    'https://1.1.1.1/',
  ],
  ...[
    'https://[2606:4700::1111]/',
    'https://xn--bcher-kva.example/',
    'https://bücher.example/',
    'https://a_b.c-d.io/x',
  ],
])('%p is an address on the internet', (address) => {
  expect(addressFault(address, strict)).toBeNull()
})

test('a host that is named may be private and have any port, and nothing else changes for it', () => {
  const rules = { allowPrivate: false, allowedHosts: ['id.corp.internal', '10.0.0.7'] }
  expect(addressFault('https://ID.corp.internal:9443/jwks', rules)).toBeNull()
  expect(addressFault('https://10.0.0.7/jwks', rules)).toBeNull()
  expect(addressFault('http://id.corp.internal/jwks', rules)).toBe('must be an https URL')
  expect(addressFault('https://a@id.corp.internal/jwks', rules)).toBe('must not contain credentials')
  expect(addressFault('https://a.id.corp.internal/jwks', rules)).toBe(PRIVATE)
  expect(addressFault('https://10.0.0.8/jwks', rules)).toBe(PRIVATE)
})

test("the server's own configuration may name any host, http too, and no credentials", () => {
  const rules = { allowPrivate: true }
  expect(addressFault('http://127.0.0.1:8080/jwks', rules)).toBeNull()
  expect(addressFault('https://keycloak/jwks', rules)).toBeNull()
  expect(addressFault('https://a:b@keycloak/jwks', rules)).toBe('must not contain credentials')
  expect(addressFault('ftp://keycloak/jwks', rules)).toBe('must be an https URL')
})
