// Made by build-addresses.ts of IANA's special-purpose address registries.

/** The day of the registries' last update, and the day on which they were read. */
export const REGISTRY_DATE = '2025-10-09'
export const REGISTRY_READ_ON = '2026-07-18'

export const SPECIAL_IPV4: readonly string[] = [
  '0.0.0.0/8', // "This network"
  '10.0.0.0/8', // Private-Use
  '100.64.0.0/10', // Shared Address Space
  '127.0.0.0/8', // Loopback
  '169.254.0.0/16', // Link Local
  '172.16.0.0/12', // Private-Use
  '192.0.0.0/24', // IETF Protocol Assignments
  '192.0.2.0/24', // Documentation (TEST-NET-1)
  '192.31.196.0/24', // AS112-v4
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // Deprecated (6to4 Relay Anycast)
  '192.168.0.0/16', // Private-Use
  '192.175.48.0/24', // Direct Delegation AS112 Service
  '198.18.0.0/15', // Benchmarking
  '198.51.100.0/24', // Documentation (TEST-NET-2)
  '203.0.113.0/24', // Documentation (TEST-NET-3)
  '240.0.0.0/4', // Reserved
]

export const SPECIAL_IPV6: readonly string[] = [
  '::1/128', // Loopback Address
  '::/128', // Unspecified Address
  '64:ff9b::/96', // IPv4-IPv6 Translat.
  '64:ff9b:1::/48', // IPv4-IPv6 Translat.
  '100::/64', // Discard-Only Address Block
  '100:0:0:1::/64', // Dummy IPv6 Prefix
  '2001::/23', // IETF Protocol Assignments
  '2001:db8::/32', // Documentation
  '2002::/16', // 6to4
  '2620:4f:8000::/48', // Direct Delegation AS112 Service
  '3fff::/20', // Documentation
  '5f00::/16', // Segment Routing (SRv6) SIDs
  'fc00::/7', // Unique-Local
  'fe80::/10', // Link-Local Unicast
]
