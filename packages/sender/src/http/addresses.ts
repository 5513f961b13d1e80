import { networkInterfaces } from 'node:os'
import { ConfigurationError } from '@hooks/core'

/**
 * The day on which the two tables below were last held against IANA's special-purpose address registries.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export const REGISTRY_DATE = '2026-11-22'

/** IPv4 blocks that are not the public internet. Everything else of IPv4 is. */
export const BLOCKED_IPV4: readonly string[] = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and every cloud's metadata service
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments: PCP, TURN, NAT64 discovery, Oracle's metadata
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relay
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '168.63.129.16/32', // Azure's wire server: public space, yet it answers to every virtual machine from inside
]

/**
 * The only IPv6 block in which public hosts live. IPv6 is an allow-list: the ways to write an internal address
 * (IPv4-compatible, NAT64, SIIT, ULA, site-local, unassigned space) outgrow every deny-list.
 */
export const PUBLIC_IPV6 = '2000::/3'

/** The blocks inside {@link PUBLIC_IPV6} that are not the public internet. */
export const BLOCKED_IPV6: readonly string[] = [
  '2001::/23', // protocol assignments: Teredo, PCP, TURN, benchmarks, AMT, ORCHID, DRIP
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4, which embeds any IPv4 address
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
]

/** An address as a number. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is the IPv4 address that it reaches. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** A block of addresses, such as `10.1.0.0/16`. A bare address is a block of one. */
export interface Block {
  readonly family: 4 | 6
  readonly first: bigint
  /** How many low bits are free. */
  readonly free: bigint
}

const IPV4_PART = /^(?:0|[1-9]\d{0,2})$/
const IPV6_PART = /^[\da-f]{1,4}$/i
const PREFIX = /^(?:0|[1-9]\d{0,2})$/
const MAPPED = 0xffffn

function parseIPv4(text: string): bigint | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  let value = 0n
  for (const part of parts) {
    const byte = IPV4_PART.test(part) ? Number(part) : 256
    if (byte > 255) return null
    value = (value << 8n) | BigInt(byte)
  }
  return value
}

/** One side of `::` as 16-bit groups. Dotted IPv4 may only end the whole address. */
function parseGroups(text: string, last: boolean): bigint[] | null {
  const groups: bigint[] = []
  if (text === '') return groups
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (IPV6_PART.test(part)) {
      groups.push(BigInt(`0x${part}`))
      continue
    }
    const embedded = last && index === parts.length - 1 ? parseIPv4(part) : null
    if (embedded === null) return null
    groups.push(embedded >> 16n, embedded & 0xffffn)
  }
  return groups
}

function parseIPv6(text: string): bigint | null {
  const sides = text.split('::')
  if (sides.length > 2) return null
  const head = parseGroups(sides[0] ?? '', sides.length === 1)
  const tail = parseGroups(sides[1] ?? '', true)
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (sides.length === 1 ? missing !== 0 : missing < 1) return null
  return [...head, ...new Array<bigint>(missing).fill(0n), ...tail].reduce((value, group) => (value << 16n) | group, 0n)
}

/**
 * An address in its usual notation: four decimal parts without leading zeros, or RFC 4291. Anything else is null,
 * zone ids (`fe80::1%eth0`) and the legacy forms `127.1`, `0x7f.1` and `2130706433` included.
 */
export function parseAddress(text: string): Address | null {
  // The longest there is: eight groups, of which two are dotted. It also bounds the work on hostile text.
  if (text.length > 45) return null
  if (!text.includes(':')) {
    const value = parseIPv4(text)
    return value === null ? null : { family: 4, value }
  }
  const value = parseIPv6(text)
  if (value === null) return null
  return value >> 32n === MAPPED ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value }
}

/** A CIDR block, or null where it is not one, or where bits are set below its prefix. */
export function parseBlock(text: string): Block | null {
  const [base = '', prefix, more] = text.split('/')
  const address = parseAddress(base)
  // A mapped block would never match, because addresses are unwrapped before they are compared.
  if (address === null || more !== undefined || (address.family === 4 && base.includes(':'))) return null
  const width = address.family === 4 ? 32 : 128
  if (prefix !== undefined && (!PREFIX.test(prefix) || Number(prefix) > width)) return null
  const free = BigInt(width - Number(prefix ?? width))
  return (address.value >> free) << free === address.value
    ? { family: address.family, first: address.value, free }
    : null
}

const covers = (block: Block, address: Address) =>
  block.family === address.family && (address.value ^ block.first) >> block.free === 0n

const covered = (blocks: readonly Block[], address: Address) => blocks.some((block) => covers(block, address))

function blocksOf(option: string, cidrs: readonly string[] | undefined): readonly Block[] {
  if (cidrs === undefined) return []
  if (!Array.isArray(cidrs)) {
    throw new ConfigurationError('option_invalid', `${option} is not a list`, { hint: "write ['10.1.0.0/16']" })
  }
  return cidrs.map((cidr: unknown) => {
    const block = typeof cidr === 'string' ? parseBlock(cidr) : null
    if (block !== null) return block
    throw new ConfigurationError('option_invalid', `${option} holds ${JSON.stringify(cidr)}, which is no CIDR block`, {
      hint: "write the block's first address and its prefix, such as '10.1.0.0/16' or 'fd12:3456::/32'",
    })
  })
}

const BLOCKED = [...blocksOf('BLOCKED_IPV4', BLOCKED_IPV4), ...blocksOf('BLOCKED_IPV6', BLOCKED_IPV6)]
const PUBLIC = blocksOf('PUBLIC_IPV6', ['0.0.0.0/0', PUBLIC_IPV6])
const LOOPBACK = blocksOf('LOOPBACK', ['127.0.0.0/8', '::1/128'])

const isPublic = (address: Address) => covered(PUBLIC, address) && !covered(BLOCKED, address)

/** Whether `address` is a numeric address of the public internet. What cannot be parsed is not. */
export function isPublicAddress(address: string): boolean {
  const parsed = parseAddress(address)
  return parsed !== null && isPublic(parsed)
}

/** What a sender may connect to beyond, or short of, the public internet. */
export interface AddressPolicyOptions {
  /** CIDR blocks to allow although they are not public, such as `['10.1.0.0/16']`. Default: none. */
  readonly allowPrivateNetworks?: readonly string[] | undefined
  /** Allows 127.0.0.0/8 and ::1. For development. Default: false. */
  readonly allowLoopback?: boolean | undefined
  /** CIDR blocks to refuse whatever else is allowed, such as a network-specific NAT64 prefix. Default: none. */
  readonly extraDenied?: readonly string[] | undefined
  /**
   * This machine's own addresses, which are refused even where they are public: what listens on them may trust
   * its neighbours. Default: those of the network interfaces when the policy is made.
   */
  readonly ownAddresses?: readonly string[] | undefined
}

/** Decides to which addresses a sender may connect. */
export interface AddressPolicy {
  /** Whether `address`, in numeric notation, may be connected to. What cannot be parsed may not. */
  allows(address: string): boolean
}

function interfaceAddresses(): string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address))
  } catch {
    return [] // some sandboxes forbid the question
  }
}

/**
 * Compiles the rules once. `extraDenied` wins over what is allowed, and what is allowed over the tables.
 *
 * @throws ConfigurationError `option_invalid` for what is not a CIDR block
 */
export function createAddressPolicy(options: AddressPolicyOptions = {}): AddressPolicy {
  const denied = blocksOf('extraDenied', options.extraDenied)
  const allowed = [
    ...blocksOf('allowPrivateNetworks', options.allowPrivateNetworks),
    ...(options.allowLoopback === true ? LOOPBACK : []),
  ]
  const own = (options.ownAddresses ?? interfaceAddresses()).map(parseAddress)
  const isOwn = (address: Address) =>
    own.some((mine) => mine?.family === address.family && mine.value === address.value)
  return {
    allows(text) {
      const address = parseAddress(text)
      if (address === null || covered(denied, address)) return false
      return covered(allowed, address) || (isPublic(address) && !isOwn(address))
    },
  }
}
