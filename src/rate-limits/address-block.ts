import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * What counts as one address: an IPv4 address, also where it is mapped into IPv6, however that is spelled; of IPv6 a /64,
 * which is the least that a customer has. A text that is no address counts as it is.
 */
export function addressBlock(ipAddress: string): string {
  // As the other way below would spell it.
  if (isIPv4(ipAddress)) return ipAddress
  if (!ipaddr.isValid(ipAddress)) return ipAddress
  const address = ipaddr.process(ipAddress)
  if (!('parts' in address)) return address.toString()
  const groups = address.parts.slice(0, 4).map((group) => group.toString(16).padStart(4, '0'))
  return `${groups.join(':')}::/64`
}
