import {
  type Bell,
  createBell,
  type Endpoint,
  type Ms,
  newId,
  type Seams,
  type Storage,
  type StoredMessage,
} from '@hooks/core'
import { mismatch } from './match.ts'
import { variantOf } from './payload.ts'

/** What {@link createExpander} needs. */
export interface ExpanderOptions extends Seams {
  readonly storage: Storage
  readonly deliveryPrefix: string
  readonly pollMs: Ms
  /** Deliveries are due. */
  readonly expanded: () => void
}

/** Turns committed messages into deliveries. */
export interface Expander {
  start(): void
  /** Messages may be waiting: looks now. */
  wake(): void
  stop(): Promise<void>
  /** Until no message is waiting, `until` (monotonic) is there, or it is stopped. Returns how many there were. */
  run(until: Ms): Promise<number>
}

const BATCH = 200
/** So that one message to very many endpoints, or many such, stays a bounded statement. */
const MOST_DELIVERIES = 2_000

/**
 * Messages become deliveries here, after the host's transaction and not in it: matching 100,000 endpoints does not
 * lengthen that. Several expanders at once are harmless, because a mark is removed with its deliveries inserted.
 */
export function createExpander(options: ExpanderOptions): Expander {
  const { storage, clock, random, logger } = options
  const bell: Bell = createBell(clock)
  let looping: Promise<void> | undefined
  let stopping = false

  async function once(): Promise<number> {
    const messages = await storage.unexpanded(BATCH)
    if (messages.length === 0) return 0
    const endpoints = await storage.endpoints.forTenants([...new Set(messages.map(({ tenant }) => tenant))])
    const byTenant = new Map<string, Endpoint[]>()
    for (const endpoint of endpoints) {
      const own = byTenant.get(endpoint.tenant)
      if (own) own.push(endpoint)
      else byTenant.set(endpoint.tenant, [endpoint])
    }
    const expansions = messages.map((message) => expansion(message, byTenant.get(message.tenant) ?? []))
    for (const chunk of chunks(expansions)) if (!stopping) await storage.expand(chunk)
    options.expanded()
    return messages.length
  }

  function expansion(message: StoredMessage, endpoints: readonly Endpoint[]) {
    const matching = endpoints.filter((endpoint) => mismatch(message, endpoint) === null)
    const deliveries = matching.map((endpoint) => {
      const variant = variantOf(endpoint)
      const id = newId(options.deliveryPrefix, clock, random)
      return { id, endpointId: endpoint.id, ...(variant !== undefined && { variant }) }
    })
    return { messageId: message.id, deliveries }
  }

  async function run(until: Ms): Promise<number> {
    let total = 0
    while (!stopping && clock.monotonic() < until) {
      const count = await once()
      total += count
      if (count < BATCH) break
    }
    return total
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      bell.clear()
      try {
        await run(Number.POSITIVE_INFINITY)
      } catch (error) {
        logger.error({ error }, 'hooks: expanding messages failed; it is tried again')
      }
      if (!stopping) await bell.wait(options.pollMs)
    }
  }

  return {
    start() {
      if (looping !== undefined) return
      stopping = false
      looping = loop()
    },
    wake: () => bell.ring(),
    async stop() {
      stopping = true
      bell.ring()
      await looping
      looping = undefined
      bell.close()
    },
    run,
  }
}

function chunks<T extends { readonly deliveries: readonly unknown[] }>(expansions: readonly T[]): T[][] {
  const chunked: T[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const one of expansions) {
    if (size + one.deliveries.length > MOST_DELIVERIES) {
      chunked.push([])
      size = 0
    }
    chunked.at(-1)?.push(one)
    size += one.deliveries.length
  }
  return chunked
}
