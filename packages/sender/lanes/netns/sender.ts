import { setTimeout as sleep } from 'node:timers/promises'
import { defineContract, defineEvents, isHooksError, silentLogger } from '@hooks/core'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { createResolver } from '../../src/http/resolver.ts'
import { createTransport } from '../../src/http/transport.ts'
import { createSender, memoryStorage, type Transport } from '../../src/index.ts'
import { AUTHORITY } from '../../test/http/certificates.ts'
import { hostile } from '../../test/http/hostile-urls.ts'
import { GOOD_NAME, hostileNames, literals, OPTED_IN, PUBLIC } from './zone.ts'

/**
 * A sender in a network of its own, with its defaults but for the authority that it trusts. It is given every hostile URL
 * and name, delivers to each of them twice, and prints what became of it. A mode takes the guard away, or weakens it.
 */
export type Mode = 'guarded' | 'opted-in' | 'unguarded' | 'lookup-only'

/** What it prints. */
export interface Report {
  /** Of the literals and hostile URLs, those that could be saved as they are. */
  readonly saved: readonly string[]
  /** By URL, what its attempts came to: a status, or an error's code. */
  readonly outcomes: Readonly<Record<string, readonly (string | number)[]>>
}

const mode = process.argv[2] as Mode
/** Without a guard, most of what is sent is never answered, and the packets have been counted long before. */
const isControl = mode === 'unguarded' || mode === 'lookup-only'

const unguarded = createTransport({ ca: [AUTHORITY], addresses: { allows: () => true } })
/** The bug: a name is judged by one look-up, and connected to by another. */
const lookupOnly: Transport = {
  async send(request) {
    const found = await createResolver().resolve(request.url.hostname, new AbortController().signal)
    const { allows } = createAddressPolicy()
    if (found.every(({ address }) => allows(address))) return unguarded.send(request)
    return { error: 'address_blocked', detail: '', ms: 0, sent: false }
  },
}

const storage = memoryStorage()
const hooks = createSender({
  contract: defineContract({
    events: defineEvents({ probe: {} }),
    policy: { retry: ['0s'], deadline: isControl ? '1s' : '15s', pace: false, breaker: false, disable: 'never' },
  }),
  storage,
  ca: [AUTHORITY],
  endpointLimit: 10_000,
  concurrency: 400,
  logger: silentLogger,
  ...(mode === 'opted-in' && { allowPrivateNetworks: [OPTED_IN] }),
  ...(mode === 'unguarded' && { transport: unguarded }),
  ...(mode === 'lookup-only' && { transport: lookupOnly }),
})

const TENANT = 'acme'
const ids = new Map<string, string>()
const saved: string[] = []

/** Saves a URL; or, where that is refused, puts it past the guard at the door, into the row itself. */
async function add(url: string): Promise<void> {
  try {
    ids.set(url, (await hooks.endpoints.create(TENANT, { url })).id)
    saved.push(url)
  } catch (error) {
    if (!isHooksError(error)) throw error
    const { id } = await hooks.endpoints.create(TENANT, { url: `https://${GOOD_NAME}/` })
    const endpoint = await storage.endpoints.get(TENANT, id)
    if (endpoint) await storage.endpoints.update({ ...endpoint, url }, endpoint.rev)
    ids.set(url, id)
  }
}

const bad = Object.values(hostile)
  .flat()
  .filter((url) => typeof url === 'string')
const addresses = literals.flatMap((host) => [`https://${host}/`, `http://${host}:8080/`])
for (const url of new Set([...bad, ...addresses])) await add(url)
const savedOfHostile = saved.splice(0)
const good = [GOOD_NAME, PUBLIC[4], `[${PUBLIC[6]}]`]
const inside = mode === 'opted-in' ? ['10.1.2.3'] : []
for (const host of [...good, ...inside, ...hostileNames]) await add(`https://${host}/`)

hooks.start()
for (let round = 0; round < (mode === 'unguarded' ? 1 : 2); round++) {
  await hooks.send('probe', {}, { tenant: TENANT })
  for (;;) {
    const { open, unexpanded } = await hooks.health()
    if (open + unexpanded === 0) break
    await sleep(20)
  }
}
await hooks.stop()

const outcomes: Record<string, (string | number)[]> = {}
for (const [url, endpoint] of ids) {
  const { data } = await hooks.deliveries.list(TENANT, { endpoint })
  outcomes[url] = []
  for (const { id } of data) {
    const [attempt] = await hooks.deliveries.attempts(TENANT, id)
    outcomes[url].push(attempt?.status ?? attempt?.error ?? 'none')
  }
}
const report: Report = { saved: savedOfHostile, outcomes }
console.log(JSON.stringify(report))
process.exit()
