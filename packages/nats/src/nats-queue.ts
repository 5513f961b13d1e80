import {
  type Clock,
  checkOptions,
  kind,
  type Listening,
  type Ms,
  type OptionsRule,
  type Queue,
  QueueError,
  systemClock,
  withMethods,
} from '@hooks/core'
import type { NatsClient, NatsStatus } from './client.ts'
import { atMost, unavailable } from './deadline.ts'
import { startListener } from './listener.ts'
import { denied, deniesPublishing } from './permissions.ts'

export type { NatsClient, NatsStatus } from './client.ts'

/** Options of {@link natsQueue}. */
export interface NatsQueueOptions {
  /**
   * Your connection, made with `maxReconnectAttempts: -1`: by default, one that was away for 20 s never comes back. It
   * stays open when the queue is closed.
   */
  readonly connection: NatsClient
  /**
   * What rings are published under: `hooks.rings` by default. Senders on one storage use one subject; senders on another
   * storage need another.
   */
  readonly subject?: string
  readonly clock?: Clock
}

const RULE: OptionsRule<keyof NatsQueueOptions> = {
  of: 'natsQueue',
  needs: ['connection'],
  kinds: {
    connection: withMethods('a connection to NATS', 'publish', 'subscribe', 'flush', 'isClosed', 'status'),
    // One that is published to: without wildcards.
    subject: {
      words: 'a subject, such as hooks.rings',
      fits: (value) => typeof value === 'string' && /^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(value),
    },
    clock: kind.clock,
  },
}

/** How long NATS may take for a ring. */
const TAKE_MS: Ms = 3_000

/**
 * A queue on NATS: processes that send ring, and of those that work, on whatever machine, one hears. It uses core NATS,
 * which keeps nothing: a ring needs no keeping, because the storage has the work, and polling finds it. A ring for later
 * is kept by the process that gets it, and handed on where that is stopped.
 *
 * @example
 * const connection = await connect({ servers: 'nats.internal', maxReconnectAttempts: -1 })
 * const hooks = createSender({ contract, storage, queue: natsQueue({ connection }), poll: '30s' })
 *
 * @throws ConfigurationError `option_invalid`
 */
export function natsQueue(options: NatsQueueOptions): Queue {
  checkOptions(options, RULE)
  const { connection, subject = 'hooks.rings', clock = systemClock } = options
  const listeners = new Set<Listening>()
  const encoder = new TextEncoder()
  let status: AsyncIterable<NatsStatus> | undefined
  let refusal: NatsStatus | undefined
  let closed: Promise<void> | undefined

  /** What a user may not publish, the server takes like anything else. It says so beside, which the next ring knows. */
  async function watch(reports: AsyncIterable<NatsStatus>): Promise<void> {
    for await (const report of reports) if (deniesPublishing(report, subject)) refusal = report
  }

  function open(): void {
    if (closed !== undefined)
      throw new QueueError('queue_closed', 'the queue was closed', { hint: 'close it after the sender was stopped' })
    if (connection.isClosed())
      throw new QueueError('queue_unavailable', 'the connection to NATS was closed, and will not come back', {
        hint: 'connect with maxReconnectAttempts: -1, and close the connection after the queue',
      })
  }

  async function publish(inMs: Ms): Promise<void> {
    const work = async () => {
      if (!status) void watch((status = connection.status())).catch(() => {})
      connection.publish(subject, encoder.encode(String(Math.ceil(inMs))))
      await connection.flush()
      const refused = refusal
      refusal = undefined
      if (refused) throw denied('publishing', subject, refused.error)
    }
    await atMost(TAKE_MS, clock, work())
  }

  function subscribed(...[onRing, listenOptions]: Parameters<Queue['listen']>) {
    try {
      return startListener({ connection, subject, clock, handOn: publish }, onRing, listenOptions)
    } catch (error) {
      throw unavailable(error)
    }
  }

  async function close(): Promise<void> {
    await Promise.all([...listeners].map((one) => one.stop(0)))
    // The libraries' iterators have it; the interface of the language does not.
    ;(status as { stop?(): void } | undefined)?.stop?.()
  }

  return {
    async ring(inMs) {
      open()
      await publish(inMs)
    },
    async listen(onRing, listenOptions) {
      open()
      const listening = subscribed(onRing, listenOptions)
      listeners.add(listening)
      // From here on, rings are heard. Where the server is away, from when it is back.
      await atMost(TAKE_MS, clock, connection.flush()).catch((error) => listenOptions.onError?.(error))
      if (listening.refusal) {
        listeners.delete(listening)
        await listening.stop(0)
        throw listening.refusal
      }
      return {
        stop: (drainMs) => listening.stop(drainMs).finally(() => listeners.delete(listening)),
      }
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}
