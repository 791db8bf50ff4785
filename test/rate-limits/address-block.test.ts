import { expect, test } from '@jest/globals'
import { addressBlock } from '../../src/rate-limits/address-block.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:0207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:0db8:0001:0002::/64'],
  ['2001:DB8:1:2::9', '2001:0db8:0001:0002::/64'],
  ['2001:db8::1', '2001:0db8:0000:0000::/64'],
  ['fe80::1%eth0', 'fe80:0000:0000:0000::/64'],
  ['unknown', 'unknown'],
  ['', ''],
  ['::1', '0000:0000:0000:0000::/64'],
])('of the address %s, %s is counted', (address, block) => {
  expect(addressBlock(address)).toBe(block)
})
