import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALLOWED, COUNTED, createNetwork, ELSEWHERE, type Network, UNSENDABLE } from './netns/network.ts'
import type { Mode, Report } from './netns/sender.ts'
import { GOOD_NAME, hostileNames, literals, OPTED_IN, PUBLIC } from './netns/zone.ts'

/** The network; undefined where this process may make none, which is said in one line, and fails where `CI` is "true". */
function makeNetwork(): Network | undefined {
  try {
    return createNetwork()
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string }
    const why = (stderr || message).trim().split('\n')[0]
    const line = `no network namespaces for tests: ${why}. They need root, iproute2 and nftables (apt-get install iproute2 nftables)`
    if (process.env.CI === 'true') throw new Error(line)
    process.stderr.write(`${line}\n`)
    return undefined
  }
}

const network = makeNetwork()
afterAll(() => network?.close())

/** What a sender reported, and where packets went meanwhile. */
async function run(mode: Mode) {
  const made = network as Network
  made.reset()
  const output = await made.start('sender', 'sender', mode).output
  const { left, arrived } = made.packets()
  const to = (counts: Readonly<Record<string, number>>) => COUNTED.filter((where) => (counts[where] ?? 0) > 0)
  return { report: JSON.parse(output) as Report, left, arrived, leftFor: to(left), arrivedFor: to(arrived) }
}

describe.skipIf(!network)('in a network where packets are counted', { timeout: 300_000 }, () => {
  beforeAll(async () => (network as Network).start('world', 'world').printed('ready'))

  it('a sender reaches the public host, and not one packet goes to any address that is blocked', async () => {
    const { report, leftFor, arrivedFor } = await run('guarded')
    // None of the hostile URLs can be saved; each was put into its row past the guard at the door, and attempted.
    expect(report.saved).toEqual([])
    expect(Object.keys(report.outcomes).length).toBeGreaterThan(500)
    expect(Object.values(report.outcomes).filter((tries) => tries.length !== 2)).toEqual([])
    expect(leftFor).toEqual([ALLOWED])
    expect(arrivedFor).toEqual([ALLOWED])
    const outcomeOf = (host: string) => [...(report.outcomes[`https://${host}/`] ?? [])].sort()
    expect(outcomeOf(GOOD_NAME)).toEqual([204, 204])
    // Reached, and found to have no certificate for a bare address.
    for (const host of [PUBLIC[4], `[${PUBLIC[6]}]`])
      expect(outcomeOf(host)).toEqual(['tls_certificate_name', 'tls_certificate_name'])
    for (const host of literals) expect(outcomeOf(host)).toEqual(['address_blocked', 'address_blocked'])
    for (const name of hostileNames) {
      const tries = outcomeOf(name)
      // A name that gives a good answer first is reached then, and refused when it gives the bad one.
      if (name.startsWith('rebind')) expect(tries).toEqual(['address_blocked', 'tls_certificate_name'])
      // The other family's answer is not used where it comes late, and then need not be judged.
      else if (name.startsWith('family')) expect(['address_blocked', 'tls_certificate_name']).toContain(tries[0])
      else expect([name, ...tries]).toEqual([name, 'address_blocked', 'address_blocked'])
    }
  })

  it('a sender that is allowed one private network reaches that one, and no other', async () => {
    const { leftFor, arrivedFor } = await run('opted-in')
    expect(leftFor).toEqual([ALLOWED, OPTED_IN])
    expect(arrivedFor).toEqual([ALLOWED, OPTED_IN])
  })

  it('the counters see it: without the guard packets go to every block, as far as the kernel sends any', async () => {
    const { left, leftFor } = await run('unguarded')
    const wanted = COUNTED.filter((where) => ![ELSEWHERE, OPTED_IN, ...UNSENDABLE].includes(where))
    expect(leftFor).toEqual(wanted)
    expect(left[ELSEWHERE]).toBe(0)
  })

  it('the counters see a guard that judges one look-up and connects to another', async () => {
    const { leftFor } = await run('lookup-only')
    expect(leftFor).toContain('169.254.0.0/16')
    expect(leftFor).toContain('fc00::/7')
    expect(leftFor.length).toBeGreaterThan(10)
  })
})
