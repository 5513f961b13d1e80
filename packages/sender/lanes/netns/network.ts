import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BLOCKED_IPV4, BLOCKED_IPV6, PUBLIC_IPV6 } from '../../src/http/addresses.ts'
import { GATEWAY, NAME_SERVER, OPTED_IN, PUBLIC, SENDER } from './zone.ts'

/** Two network namespaces and one wire: the sender on one side, and everybody else on the other. */
export interface Network {
  /** Runs a program of this folder on one side, with its output as text. */
  start(side: Side, program: string, ...args: readonly string[]): Running
  /** Packets by where they were for: those that left the sender, its own loopback included, and those that arrived. */
  packets(): { readonly left: Counts; readonly arrived: Counts }
  /** Counts from 0 again. */
  reset(): void
  close(): void
}

export type Side = 'sender' | 'world'
export type Counts = Readonly<Record<string, number>>

export interface Running {
  /** Its output, at its end. Rejects where it failed. */
  readonly output: Promise<string>
  /** Until it has printed `line`. */
  printed(line: string): Promise<void>
}

/** What a guard may let through: the host, its name server, and two literals that are refused for their ports, not for where they are. */
const MAY = { 4: `{ ${NAME_SERVER}, ${PUBLIC[4]}, 1.1.1.1 }`, 6: `{ ${PUBLIC[6]}, 2606:4700:4700::1111 }` }
export const ALLOWED = 'the public host and the name server'
const OWN = 'its own addresses'
export const ELSEWHERE = 'elsewhere'
const OUTSIDE = `outside ${PUBLIC_IPV6}`

/** What packets are counted by, in the order in which it is looked at. */
const WHERE: readonly (readonly [name: string, match: string])[] = [
  [ALLOWED, `ip daddr ${MAY[4]}`],
  [ALLOWED, `ip6 daddr ${MAY[6]}`],
  [OPTED_IN, `ip daddr ${OPTED_IN}`],
  [OWN, `ip daddr ${SENDER[4]}`],
  [OWN, `ip6 daddr ${SENDER[6]}`],
  ...BLOCKED_IPV4.map((block) => [block, `ip daddr ${block}`] as const),
  ...BLOCKED_IPV6.map((block) => [block, `ip6 daddr ${block}`] as const),
  ['::/96', 'ip6 daddr ::/96'],
  ['64:ff9b::/96', 'ip6 daddr 64:ff9b::/96'],
  ['fc00::/7', 'ip6 daddr fc00::/7'],
  ['fe80::/10', 'ip6 daddr fe80::/10'],
  ['ff00::/8', 'ip6 daddr ff00::/8'],
  [OUTSIDE, `ip6 daddr != ${PUBLIC_IPV6}`],
  [ELSEWHERE, 'meta l4proto != 255'],
]
/** What packets may be counted under. */
export const COUNTED: readonly string[] = [...new Set(WHERE.map(([name]) => name))]

/** To these the kernel itself sends nothing: no connection is made to a group, nor to a neighbour without its interface. */
export const UNSENDABLE: readonly string[] = ['224.0.0.0/4', 'fe80::/10', 'ff00::/8']

/** What the kernel says to its neighbours by itself. */
const CHATTER =
  'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report } accept'

const rules = (hook: 'output' | 'prerouting') =>
  [
    'table inet watch {',
    ...COUNTED.map((_, i) => `counter c${i} {}`),
    `chain every { type filter hook ${hook} priority -300; policy accept;`,
    CHATTER,
    ...WHERE.map(([name, match]) => `${match} counter name c${COUNTED.indexOf(name)} accept`),
    '}',
    '}\n',
  ].join('\n')

const call = (program: string, args: readonly string[], input?: string) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], input: input ?? '' })

/** Throws where this process may not, or where a program is missing. */
export function createNetwork(): Network {
  const name: Readonly<Record<Side, string>> = {
    sender: `hooks-${process.pid}-s`,
    world: `hooks-${process.pid}-w`,
  }
  const within = (side: Side, program: string, args: readonly string[], input?: string) =>
    call('ip', ['netns', 'exec', name[side], program, ...args], input)
  const ip = (side: Side, line: string) => call('ip', ['-n', name[side], ...line.split(' ')])
  const children = new Set<ChildProcess>()
  // `ip netns exec` puts what is in this folder in the place of the files in /etc.
  const etc = `/etc/netns/${name.sender}`

  function close(): void {
    for (const child of children) child.kill('SIGKILL')
    rmSync(etc, { recursive: true, force: true })
    for (const side of ['sender', 'world'] as const) {
      try {
        call('ip', ['netns', 'delete', name[side]])
      } catch {
        // it was never made
      }
    }
  }

  function build(): void {
    for (const side of ['sender', 'world'] as const) {
      call('ip', ['netns', 'add', name[side]])
      ip(side, 'link set lo up')
    }
    ip('sender', `link add wire type veth peer name wire netns ${name.world}`)
    for (const [side, addresses] of [
      ['sender', SENDER],
      ['world', GATEWAY],
    ] as const) {
      ip(side, `address add ${addresses[4]}/24 dev wire`)
      ip(side, `address add ${addresses[6]}/64 dev wire nodad`)
      ip(side, 'link set wire up')
    }
    ip('sender', `route add default via ${GATEWAY[4]}`)
    ip('sender', `route add default via ${GATEWAY[6]}`)
    ip('world', `address add ${NAME_SERVER}/32 dev wire`)
    // Every address is one of this side, which plays all of the internet; but for the sender's.
    for (const wire of [`-4 route add ${SENDER[4]}/32`, `-6 route add ${SENDER[6]}/128`])
      ip('world', `${wire} dev wire table local`)
    for (const family of ['-4', '-6']) ip('world', `${family} route add local default dev lo table local`)
    mkdirSync(etc, { recursive: true })
    writeFileSync(`${etc}/resolv.conf`, `nameserver ${NAME_SERVER}\n`)
    within('sender', 'nft', ['-f', '-'], rules('output'))
    within('world', 'nft', ['-f', '-'], rules('prerouting'))
  }

  function counts(side: Side): Counts {
    const { nftables } = JSON.parse(within(side, 'nft', ['-j', 'list', 'counters'])) as {
      nftables: { counter?: { name: string; packets: number } }[]
    }
    return Object.fromEntries(
      nftables.flatMap(({ counter }) => (counter ? [[COUNTED[Number(counter.name.slice(1))], counter.packets]] : [])),
    )
  }

  function start(side: Side, program: string, ...args: readonly string[]): Running {
    const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url))
    const flags = ['--conditions=@hooks/source', '--import', 'tsx', file]
    const child = spawn('ip', ['netns', 'exec', name[side], process.execPath, ...flags, ...args], {
      cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    let text = ''
    let complaint = ''
    let look = () => {}
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
      look()
    })
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      complaint += more
    })
    const output = new Promise<string>((resolve, reject) => {
      child.on('close', (code, signal) => {
        children.delete(child)
        if (code === 0) resolve(text)
        else reject(new Error(`${program} ended with ${code ?? signal}: ${complaint}`))
      })
    })
    // Whoever waits for a line may not be waiting for the end.
    output.catch(() => {})
    const seen = (line: string) =>
      new Promise<void>((resolve) => {
        look = () => {
          if (text.split('\n').includes(line)) resolve()
        }
        look()
      })
    return { output, printed: (line) => Promise.race([seen(line), output.then(() => {})]) }
  }

  try {
    build()
  } catch (error) {
    close()
    throw error
  }
  return {
    start,
    packets: () => ({ left: counts('sender'), arrived: counts('world') }),
    reset() {
      for (const side of ['sender', 'world'] as const) within(side, 'nft', ['reset', 'counters'])
    },
    close,
  }
}
