import ipaddr from 'ipaddr.js'

/** Which addresses key sets may be fetched from. */
export interface AddressRules {
  /** For issuers of the server's own configuration: any host and port, and http too. Never for what a client gives. */
  readonly allowPrivate: boolean
  /** Host names, in lower case, that may have private addresses and any port. */
  readonly allowedHosts?: readonly string[]
}

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')
/** Elsewhere a service may listen that does harm with what it takes for its own protocol. */
const PORTS: readonly string[] = ['', '443', '8443']
/** Names that are private wherever they are used (RFC 6761 §6.3, RFC 6762 §3, RFC 8375 §4, ICANN's `internal`). */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|home\.arpa)$/
/** One that is no IP address: two labels at least, since a single one is searched for in the server's own domains. */
const PUBLIC_NAME = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$/

/**
 * Whether an IP address is one of the public internet. What leads to an IPv4 address by being translated on its way
 * (mapped, compatible, NAT64, 6to4, Teredo) is not, whatever the address within.
 * @param address as a resolver spells it, and any other spelling that a connection would take
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const ip = ipaddr.parse(address)
  if (ip.range() !== 'unicast') return false
  return ip.kind() === 'ipv4' || ip.match(GLOBAL_UNICAST)
}

/** Whether a host may have whatever address it has. */
export function isExempt({ hostname }: URL, { allowPrivate, allowedHosts }: AddressRules): boolean {
  return allowPrivate || (allowedHosts ?? []).includes(hostname)
}

/**
 * What is wrong with an address, by its form alone; null where nothing is. Where a name leads is seen when it is resolved.
 * The host is looked at as `URL` spells it, which is how it is connected to: in lower case, an IPv4 address in four decimal
 * numbers however it was written.
 */
export function addressFault(address: string, rules: AddressRules): string | null {
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url) return 'is not a URL'
  if (url.protocol !== 'https:' && !(rules.allowPrivate && url.protocol === 'http:')) return 'must be an https URL'
  if (url.username !== '' || url.password !== '') return 'must not contain credentials'
  if (isExempt(url, rules)) return null
  if (!PORTS.includes(url.port)) return 'must have the port 443 or 8443'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const isPublic = ipaddr.isValid(host) ? isPublicAddress(host) : PUBLIC_NAME.test(host) && !PRIVATE_NAME.test(host)
  return isPublic ? null : 'must have a public host'
}
