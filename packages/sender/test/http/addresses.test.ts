import { readFileSync } from 'node:fs'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { isHooksError } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { specialAddresses } from '../../build-addresses.ts'
import {
  BLOCKED_IPV4,
  BLOCKED_IPV6,
  createAddressPolicy,
  isPublicAddress,
  PUBLIC_IPV6,
} from '../../src/http/addresses.ts'
import { parseAddress, parseBlock } from '../../src/http/blocks.ts'
import { REGISTRY_DATE, REGISTRY_READ_ON } from '../../src/http/special-addresses.generated.ts'
import { blockedAddresses } from './hostile-urls.ts'

/** A small repeatable source of numbers from 0 to 1: mulberry32. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The words of a text, for long tables. */
const words = (text: string) => text.trim().split(/\s+/)

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [base = '', prefix = ''] = cidr.split('/')
    list.addSubnet(base, Number(prefix), isIPv6(base) ? 'ipv6' : 'ipv4')
  }
  return list
}

describe('public addresses', () => {
  it('judges 120,000 random addresses exactly as net.BlockList does', () => {
    const next = chance(1)
    const byte = () => Math.floor(next() * 256)
    const group = () => Math.floor(next() * 65536).toString(16)
    const denied4 = blockList(BLOCKED_IPV4)
    const denied6 = blockList(BLOCKED_IPV6)
    const public6 = blockList([PUBLIC_IPV6])
    const bases4 = BLOCKED_IPV4.map((cidr) => cidr.split('/')[0] as string)
    const bases6 = [...BLOCKED_IPV6, PUBLIC_IPV6].map((cidr) => cidr.split('/')[0] as string)
    const differences: string[] = []
    for (let n = 0; n < 40_000; n += 1) {
      const any4 = `${byte()}.${byte()}.${byte()}.${byte()}`
      // Half of them near the edges of a block, where mistakes are.
      const base = (bases4[n % bases4.length] as string).split('.').map(Number)
      const near4 = base.map((part, index) => (index === n % 4 ? byte() : part)).join('.')
      const base6 = (bases6[n % bases6.length] as string).replace(/::$/, '').split(':')
      const near6 = [...base6, ...Array.from({ length: 8 - base6.length }, group)].slice(0, 8).join(':')
      for (const address of n % 2 === 0 ? [any4, near4, near6] : [near4, near6, `${group()}:${group()}::${group()}`]) {
        const v6 = isIPv6(address)
        const expected = v6
          ? public6.check(address, 'ipv6') && !denied6.check(address, 'ipv6')
          : !denied4.check(address, 'ipv4')
        if (isPublicAddress(address) !== expected) differences.push(address)
      }
    }
    expect(differences).toEqual([])
  })

  it.each(blockedAddresses)('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each(
    words(`
    1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.1 198.17.255.255
    198.20.0.0 223.255.255.255 168.63.129.15 ::ffff:1.1.1.1 2000::1 2001:200::1 2606:4700:4700::1111
    2a00:1450:4001:82a::200e 3ffe:ffff::1
  `),
  )('allows %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    '',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '01.1.1.1',
    '1.1.1.1.',
    '1.1.1',
    '1.1.1.256',
    '1.1.1.1 ',
    '1.1.1.1/32',
    '１.1.1.1',
    'fe80::1%eth0',
    '2606:4700::1111%1',
    '[2606:4700::1]',
    ':::',
    '1::2::3',
    '2606:4700:',
    ':2606::1',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '2606::12345',
    '2606::g',
    '1.1.1.1::',
    '::1.1.1',
    'a'.repeat(100),
  ])('refuses %j, which is no address', (address) => {
    expect(parseAddress(address)).toBeNull()
    expect(isPublicAddress(address)).toBe(false)
    expect(createAddressPolicy({ allowPrivateNetworks: ['0.0.0.0/0', '::/0'] }).allows(address)).toBe(false)
  })

  it('takes for an address what net.isIP takes for one, zone ids apart', () => {
    const next = chance(2)
    const pieces = ['', '0', '1', 'ff', 'ffff', '12345', '::', ':', '.', '1.2.3.4', '255', '256', '01', 'g', '%1', ' ']
    const differences: string[] = []
    for (let n = 0; n < 50_000; n += 1) {
      const size = 1 + Math.floor(next() * 9)
      const parts = Array.from({ length: size }, () => pieces[Math.floor(next() * pieces.length)])
      const text = parts.join(next() < 0.5 ? ':' : next() < 0.5 ? '.' : '')
      if ((parseAddress(text) !== null) !== (isIP(text) !== 0 && !text.includes('%'))) differences.push(text)
    }
    expect(differences).toEqual([])
  })

  it('exclude every address block of IANA’s special-purpose registries, of which the table is made', () => {
    const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
    expect(file('src/http/special-addresses.generated.ts')).toBe(specialAddresses())
    const registries = ['v4', 'v6'].map((version) => file(`registry/iana-ip${version}-special-registry-1.csv`))
    const blocks = [...registries.join('\n').matchAll(/(?:^|[", ])([\da-f]*[.:][\da-f.:]*\/\d+)/gm)].map(
      ([, cidr]) => cidr,
    )
    expect(blocks).toHaveLength(51)
    const open = blocks.filter((cidr = '') => {
      const [first = '', prefix = ''] = cidr.split('/')
      // It is a notation of IPv4 addresses, and judged as what it reaches.
      if (cidr === '::ffff:0:0/96') return false
      return isPublicAddress(first) || isPublicAddress(lastOf(first, Number(prefix)))
    })
    expect(open).toEqual([])
  })

  it('were read from the registries within the last twelve months', () => {
    for (const date of [REGISTRY_DATE, REGISTRY_READ_ON]) expect(date).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(REGISTRY_DATE <= REGISTRY_READ_ON).toBe(true)
    const age = Date.now() - Date.parse(REGISTRY_READ_ON)
    // build-addresses.ts says how to read them anew.
    expect(age).toBeLessThan(365 * 86_400_000)
  })
})

/** The last address of a block. */
function lastOf(first: string, prefix: number): string {
  const address = parseAddress(first)
  if (address === null) throw new Error(`not an address: ${first}`)
  const width = address.family === 4 ? 32 : 128
  const last = address.value | ((1n << BigInt(width - prefix)) - 1n)
  const part = (bits: number, radix: number) =>
    Array.from({ length: width / bits }, (_, i) =>
      ((last >> BigInt(width - bits * (i + 1))) & ((1n << BigInt(bits)) - 1n)).toString(radix),
    )
  return address.family === 4 ? part(8, 10).join('.') : part(16, 16).join(':')
}

describe('the address policy', () => {
  it('allows the public internet alone by default', () => {
    const policy = createAddressPolicy()
    expect(policy.allows('1.1.1.1')).toBe(true)
    expect(['127.0.0.1', '::1', '10.0.0.1', 'localhost', ''].map(policy.allows)).not.toContain(true)
  })

  it('allows private blocks that were asked for, in both notations of an IPv4 address', () => {
    const policy = createAddressPolicy({ allowPrivateNetworks: ['10.1.0.0/16', 'fd12:3456::/32', '192.168.7.7'] })
    const allowed = ['10.1.0.0', '10.1.255.255', '::ffff:10.1.2.3', 'fd12:3456::1', '192.168.7.7']
    const refused = ['10.0.255.255', '10.2.0.0', '::ffff:10.2.0.0', 'fd12:3457::1', '192.168.7.8', '127.0.0.1']
    expect(allowed.filter((address) => !policy.allows(address))).toEqual([])
    expect(refused.filter((address) => policy.allows(address))).toEqual([])
  })

  it('allows loopback, and nothing else that is private, in development', () => {
    const policy = createAddressPolicy({ allowLoopback: true })
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].filter((address) => !policy.allows(address))).toEqual(
      [],
    )
    expect(['0.0.0.0', '::', '10.0.0.1', '169.254.169.254'].filter((address) => policy.allows(address))).toEqual([])
  })

  it('lets extraDenied win over everything', () => {
    const policy = createAddressPolicy({
      allowPrivateNetworks: ['10.0.0.0/8'],
      extraDenied: ['10.9.0.0/16', '1.1.1.1'],
    })
    expect([policy.allows('10.8.0.1'), policy.allows('10.9.0.1'), policy.allows('1.1.1.1')]).toEqual([
      true,
      false,
      false,
    ])
  })

  it("refuses this machine's own public addresses, unless they were asked for", () => {
    const ownAddresses = ['1.2.3.4', '2606:4700::5', 'fe80::1%eth0']
    expect(createAddressPolicy({ ownAddresses }).allows('1.2.3.4')).toBe(false)
    expect(createAddressPolicy({ ownAddresses }).allows('2606:4700:0::5')).toBe(false)
    expect(createAddressPolicy({ ownAddresses }).allows('1.2.3.5')).toBe(true)
    expect(createAddressPolicy({ ownAddresses, allowPrivateNetworks: ['1.2.3.4/32'] }).allows('1.2.3.4')).toBe(true)
  })

  it.each([
    '10.1.2.3/16',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0/8',
    'fd00::/129',
    'fd00::1/64',
    '::ffff:10.0.0.0/104',
    'localhost',
    '',
    '*',
    'fe80::1%eth0/64',
  ])('says that %j is no CIDR block', (cidr) => {
    expect(parseBlock(cidr)).toBeNull()
    for (const option of ['allowPrivateNetworks', 'extraDenied'] as const) {
      let thrown: unknown
      try {
        createAddressPolicy({ [option]: [cidr] })
      } catch (error) {
        thrown = error
      }
      expect(isHooksError(thrown, 'option_invalid')).toBe(true)
      expect((thrown as Error).message).toContain(option)
    }
  })

  it.each([true, '10.0.0.0/8', null, [12], [null]])('says that %j is no list of CIDR blocks', (given) => {
    expect(() => createAddressPolicy({ allowPrivateNetworks: given as never })).toThrow(/allowPrivateNetworks/)
  })
})
