import { type Bell, createBell, type Endpoint, type Ms, type Seams, type Storage } from '@hooks/core'
import { WARNED } from './health.ts'
import type { Emitter } from './operational-events.ts'

/** What {@link createMaintenance} needs. */
export interface MaintenanceOptions extends Seams {
  readonly storage: Storage
  readonly emitter: Emitter
  /** How long payloads, and ended deliveries with their attempts, are kept; null for ever. */
  readonly payloadsKeptMs: Ms | null
  readonly attemptsKeptMs: Ms | null
  /** How long after the sender disabled an endpoint it is tried again; null for never. */
  readonly probeAfterMs: Ms | null
  /** Enables an endpoint for a try. Returns whether it was this call that did. */
  readonly enable: (tenant: string, endpointId: string) => Promise<boolean>
}

/** What has to be done now and then, by whichever worker comes to it. */
export interface Maintenance {
  start(): void
  stop(): Promise<void>
  /** Does it now, all of it. */
  run(): Promise<void>
}

const EVERY: Ms = 3_600_000
/** Of the first hour, so that workers that start together do not all do it at once. */
const FIRST_WITHIN: Ms = 600_000
const CHUNK = 1_000
/** Chunks are apart, so that they do not stand in the way of deliveries. */
const BETWEEN: Ms = 100
/** Reasons for which the sender itself disabled an endpoint, but for `gone`: that one said that it is no more. */
const BY_POLICY = new Set(['failing', 'exhausted'])

/** Forgets what has been kept for long enough, in chunks, and tries endpoints again. */
export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { storage, clock, random, logger, emitter } = options
  const bell: Bell = createBell(clock)
  let looping: Promise<void> | undefined
  let stopping = false

  /** By the storage's clock, which has written the times: this machine's may be a day ahead, and would forget too early. */
  const now = async () => (await storage.depth()).at.getTime()

  async function prune(): Promise<void> {
    const { payloadsKeptMs, attemptsKeptMs } = options
    const at = await now()
    const what = {
      // Nothing is older than 1970: what is kept for longer than that is a time that no Date holds, and no database.
      ...(payloadsKeptMs !== null && { payloadsBefore: new Date(Math.max(0, at - payloadsKeptMs)) }),
      ...(attemptsKeptMs !== null && { historyBefore: new Date(Math.max(0, at - attemptsKeptMs)) }),
    }
    while (!stopping) {
      const { more } = await storage.history.prune(what, CHUNK)
      if (!more) return
      await clock.sleep(BETWEEN)
    }
  }

  async function probeAll(): Promise<void> {
    const { probeAfterMs } = options
    if (probeAfterMs === null || storage.facts.lacks?.includes('pages')) return
    const at = await now()
    let cursor: string | undefined
    do {
      const page = { limit: CHUNK, ...(cursor !== undefined && { cursor }) }
      const { data, next } = await storage.endpoints.list(null, page, { state: 'disabled' })
      for (const endpoint of data) if (isDue(endpoint, at - probeAfterMs)) await probe(endpoint)
      cursor = next
    } while (cursor !== undefined && !stopping)
  }

  const isDue = ({ reason, updatedAt }: Endpoint, until: Ms) =>
    reason !== null && BY_POLICY.has(reason) && updatedAt.getTime() <= until

  async function probe({ tenant, id }: Endpoint): Promise<void> {
    if (!(await options.enable(tenant, id))) return
    await storage.hold([{ endpointId: id, probing: true, warned: WARNED.tried }])
    emitter.emit('endpoint.enabled', { tenant, endpointId: id, at: clock.now(), by: 'probe' })
  }

  async function run(): Promise<void> {
    for (const [what, act] of [
      ['forgetting what is old', prune],
      ['trying disabled endpoints again', probeAll],
    ] as const) {
      try {
        await act()
      } catch (error) {
        logger.error({ error }, `hooks: ${what} failed; it is tried again in an hour`)
      }
    }
  }

  async function loop(): Promise<void> {
    let waitMs = Math.round(random.float() * FIRST_WITHIN)
    while (!stopping) {
      await bell.wait(waitMs)
      if (!stopping) await run()
      waitMs = EVERY
    }
  }

  return {
    start() {
      if (looping !== undefined) return
      stopping = false
      looping = loop()
    },
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
