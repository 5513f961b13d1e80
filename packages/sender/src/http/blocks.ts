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
