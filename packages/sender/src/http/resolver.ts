import { Resolver as CaresResolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Ms } from '@hooks/core'
import type { ResolvedAddress, Resolver } from '../seams.ts'

/** How names are resolved. */
export interface ResolverOptions {
  /** How long one question to one name server may take. Default: 2,000 ms. */
  readonly timeoutMs?: Ms | undefined
  /** How often a name server is asked. Default: 2. */
  readonly tries?: number | undefined
  /** How many addresses of an answer are used at most. Default: 32. */
  readonly maxAddresses?: number | undefined
  /** Resolves `localhost` and `*.localhost` to 127.0.0.1 and ::1. For development. Default: false. */
  readonly localNames?: boolean | undefined
  /** Name servers to ask, as `address` or `address:port`. Default: those of the operating system. */
  readonly servers?: readonly string[] | undefined
}

/**
 * How long an answer of one family waits for the other one. Some name servers never answer for AAAA, and would cost
 * every new connection the whole timeout. What comes later is not connected to, so it need not be judged.
 */
const GRACE_MS: Ms = 300

const LOCALHOST = /(?:^|\.)localhost$/i
/** "There is no such name" says less than any other failure: the other family's question has met something worse. */
const ABSENT = new Set(['ENODATA', 'ENOTFOUND'])

const absent = (host: string) => Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' })

/** Asks for A and AAAA at once, and takes what there is. IPv4 comes first: where IPv6 is broken it only costs time. */
function ask(cares: CaresResolver, host: string): Promise<ResolvedAddress[]> {
  return new Promise((resolve, reject) => {
    const found: { 4: ResolvedAddress[]; 6: ResolvedAddress[] } = { 4: [], 6: [] }
    let unanswered = 2
    let failure: NodeJS.ErrnoException | undefined
    // A timer of the system: this is the Resolver of the system, behind the seam, whose sockets know no other time.
    let grace: ReturnType<typeof setTimeout> | undefined
    const end = () => {
      clearTimeout(grace)
      const all = [...found[4], ...found[6]]
      if (all.length > 0) resolve(all)
      else reject(failure ?? absent(host))
      if (unanswered > 0) cares.cancel()
    }
    const question = (family: 4 | 6, asked: Promise<{ address: string; ttl: number }[]>) => {
      asked.then(
        (records) => {
          unanswered -= 1
          found[family] = records.map(({ address, ttl }) => ({ address, family, ttlMs: ttl * 1000 }))
          if (unanswered === 0) end()
          else if (records.length > 0) grace = setTimeout(end, GRACE_MS)
        },
        (error: NodeJS.ErrnoException) => {
          unanswered -= 1
          if (failure === undefined || ABSENT.has(failure.code ?? '')) failure = error
          if (unanswered === 0) end()
        },
      )
    }
    question(4, cares.resolve4(host, { ttl: true }))
    question(6, cares.resolve6(host, { ttl: true }))
  })
}

/**
 * Resolves names with c-ares. `dns.lookup` is never used: its four threads are the whole process's, and twenty names
 * on a dead name server held a healthy one up for 50 s. Nothing is cached; a kept-alive connection asks nothing.
 * `/etc/hosts` is not read.
 */
export function createResolver(options: ResolverOptions = {}): Resolver {
  const { timeoutMs = 2000, tries = 2, maxAddresses = 32, localNames = false, servers } = options
  return {
    async resolve(host, signal) {
      signal.throwIfAborted()
      const family = isIP(host)
      if (family !== 0) return [{ address: host, family: family as 4 | 6, ttlMs: 0 }]
      if (LOCALHOST.test(host)) {
        if (!localNames) throw absent(host) // RFC 6761: such a name is never asked of a server
        return [
          { address: '127.0.0.1', family: 4, ttlMs: 0 },
          { address: '::1', family: 6, ttlMs: 0 },
        ]
      }
      // One c-ares channel a question: cancel() ends all of a channel's, and a new one reads /etc/resolv.conf again.
      const cares = new CaresResolver({ timeout: timeoutMs, tries })
      if (servers !== undefined) cares.setServers(servers)
      const cancel = () => cares.cancel()
      signal.addEventListener('abort', cancel, { once: true })
      try {
        return (await ask(cares, host)).slice(0, maxAddresses)
      } finally {
        signal.removeEventListener('abort', cancel)
      }
    },
  }
}
