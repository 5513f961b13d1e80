import { networkInterfaces } from 'node:os'
import { ConfigurationError } from '@hooks/core'
import { type Address, type Block, parseAddress, parseBlock } from './blocks.ts'
import { SPECIAL_IPV4, SPECIAL_IPV6 } from './special-addresses.generated.ts'

/** IPv4 blocks that are not the public internet. Everything else of IPv4 is. */
export const BLOCKED_IPV4: readonly string[] = [
  ...SPECIAL_IPV4,
  '224.0.0.0/4', // multicast, which has a registry of its own
  '168.63.129.16/32', // Azure's wire server: public space, yet it answers to every virtual machine from inside
]

/**
 * The only IPv6 block in which public hosts live. IPv6 is an allow-list: the ways to write an internal address
 * (IPv4-compatible, NAT64, SIIT, ULA, site-local, unassigned space) outgrow every deny-list.
 */
export const PUBLIC_IPV6 = '2000::/3'

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

/** The blocks inside {@link PUBLIC_IPV6} that are not the public internet. */
export const BLOCKED_IPV6: readonly string[] = SPECIAL_IPV6.filter((cidr) => {
  const special = parseBlock(cidr)
  return special !== null && covered(blocksOf('PUBLIC_IPV6', [PUBLIC_IPV6]), { family: 6, value: special.first })
})

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
