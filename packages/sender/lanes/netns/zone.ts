import { isIP } from 'node:net'
import { parseAddress } from '../../src/http/blocks.ts'
import type { DnsAnswer } from '../../test/http/dns.ts'
import { blockedAddresses } from '../../test/http/hostile-urls.ts'

/** The internet of the test: one host that may be reached, under both families, and the name server. */
export const PUBLIC = { 4: '11.22.33.44', 6: '2a00:1450:1::44' } as const
export const NAME_SERVER = '9.9.9.9'
/** The sender's own addresses, which are public, and not for webhooks. */
export const SENDER = { 4: '11.0.0.5', 6: '2a00:1450::5' } as const
/** The other end of the sender's only wire. */
export const GATEWAY = { 4: '11.0.0.1', 6: '2a00:1450::1' } as const
/** The private network that one of the senders is allowed to reach. */
export const OPTED_IN = '10.1.0.0/16'

const ADDRESSES = [...blockedAddresses.filter((address) => !address.includes('%')), SENDER[4], SENDER[6]]

/** How a hostile name gives an address that it should not: by itself, among others, behind an alias, or after a good one. */
const WAYS = ['only', 'first', 'last', 'alias', 'family', 'rebind'] as const
type Way = (typeof WAYS)[number]

/** Literals of every block, as hosts of URLs. */
export const literals = ADDRESSES.map((address) => (address.includes(':') ? `[${address}]` : address))

/** Every way for every address. */
export const hostileNames = ADDRESSES.flatMap((_, i) => WAYS.map((way) => `${way}-${i}.example`))

/** Names that the certificate of the public host is for. */
export const GOOD_NAME = 'good.example'

const bytesOf = (address: string): Buffer => {
  const parsed = parseAddress(address)
  if (!parsed) throw new Error(`${address} is no address`)
  const mapped = isIP(address) === 6 && parsed.family === 4
  const value = mapped ? parsed.value | (0xffffn << 32n) : parsed.value
  return Buffer.from(value.toString(16).padStart(isIP(address) === 6 ? 32 : 8, '0'), 'hex')
}

/** Answers for the zone. Nothing may be kept: the time to live is 0. */
export function createZone(): (type: 'A' | 'AAAA', name: string) => DnsAnswer {
  const asked = new Map<string, number>()
  return (type, name) => {
    const asks = type === 'A' ? 4 : 6
    const good = { address: bytesOf(PUBLIC[asks]), ttl: 0 }
    if (name === GOOD_NAME) return [good]
    const [, way, index] = /^([a-z]+)-(\d+)\.example$/.exec(name) ?? []
    const address = ADDRESSES[Number(index)]
    if (address === undefined) return 3
    const family = isIP(address)
    // The good address is of the other family, where that is the way.
    if (family !== asks) return way === 'family' ? [good] : []
    const bad = { address: bytesOf(address), ttl: 0 }
    const n = asked.get(name) ?? 0
    asked.set(name, n + 1)
    const answers: Record<Way, DnsAnswer> = {
      only: [bad],
      first: [bad, good],
      last: [good, bad],
      alias: [{ alias: `alias.of.${name}`, ttl: 0 }, bad],
      family: [bad],
      rebind: [n % 2 === 0 ? good : bad],
    }
    return answers[way as Way]
  }
}
