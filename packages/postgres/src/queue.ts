import {
  type Clock,
  ConfigurationError,
  checkOptions,
  createTimeouts,
  type Duration,
  kind,
  type Listening,
  type Ms,
  type OptionsRule,
  type Queue,
  QueueError,
  type Random,
  systemClock,
  systemRandom,
  toMs,
} from '@hooks/core'
import { storageError } from './failures.ts'
import type { PostgresHandle } from './handle.ts'
import { type ListenClient, startListener } from './queue-listener.ts'
import { toQuery } from './to-query.ts'

export type { ListenClient } from './queue-listener.ts'

/** Options of {@link postgresQueue}. */
export interface PostgresQueueOptions {
  /** Rings, by a statement of its own: what {@link postgresStorage} has. A pooler by transaction may stand between. */
  readonly database: PostgresHandle
  /**
   * Makes a client that has not connected yet, `() => new pg.Client(url)`: for as long as a process listens, it has one
   * connection to PostgreSQL itself. Behind a pooler by transaction nothing would be heard; that is noticed and reported.
   */
  readonly listener: () => ListenClient
  /** What rings are notified under: `hooks_rings` by default. Senders on another schema of the database need another. */
  readonly channel?: string
  /** How often a listener makes sure that it still hears: 15 s by default, 100 ms at least. */
  readonly heartbeat?: Duration
  readonly clock?: Clock
  /** Names the heartbeats, and spreads what is tried again. */
  readonly random?: Random
}

const RULE: OptionsRule<keyof PostgresQueueOptions> = {
  of: 'postgresQueue',
  needs: ['database', 'listener'],
  kinds: {
    // Judged by its shape, with a code of its own.
    database: kind.any,
    listener: kind.function,
    channel: kind.text,
    heartbeat: kind.duration,
    clock: kind.clock,
    random: kind.random,
  },
}
/** How long PostgreSQL may take for a ring. */
const TAKE_MS: Ms = 3_000
/** Less would be a loop that never rests. */
const LEAST_HEARTBEAT_MS: Ms = 100
const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/

/**
 * A queue on `NOTIFY` and `LISTEN`: processes that send ring, and all that work hear. It is a hint, as every queue is:
 * what it does not carry is found by polling. It never notifies in the host's transaction, where a `NOTIFY` would make all
 * commits of the database wait for each other: a sender rings after the commit, fifty times a second at most.
 *
 * @example
 * const queue = postgresQueue({ database: pool, listener: () => new pg.Client(process.env.DATABASE_URL) })
 * const hooks = createSender({ contract, storage: postgresStorage(pool), queue, poll: '10s' })
 *
 * @throws ConfigurationError `option_invalid`; `tx_unsupported`: no handle of PostgreSQL
 */
export function postgresQueue(options: PostgresQueueOptions): Queue {
  checkOptions(options, RULE)
  const { channel = 'hooks_rings', clock = systemClock, random = systemRandom } = options
  if (!CHANNEL.test(channel))
    throw new ConfigurationError('option_invalid', 'the channel is no name of lower-case letters, digits and _', {
      hint: 'such as hooks_rings, of 63 characters at most',
    })
  const heartbeatMs = toMs(options.heartbeat ?? '15s', 'heartbeat')
  if (heartbeatMs < LEAST_HEARTBEAT_MS)
    throw new ConfigurationError('option_invalid', `heartbeat is shorter than ${LEAST_HEARTBEAT_MS} ms`, {
      hint: 'each is a statement: 15s is often enough to notice a connection that hears no more',
    })
  const query = toQuery(options.database)
  const timeouts = createTimeouts(
    clock,
    TAKE_MS,
    () =>
      new QueueError('queue_unavailable', `PostgreSQL did not take a ring within ${TAKE_MS} ms`, {
        hint: 'rings are lost meanwhile, and polling finds the work',
      }),
  )
  const listeners = new Set<Listening>()
  let closed: Promise<void> | undefined

  function open(): void {
    if (closed !== undefined)
      throw new QueueError('queue_closed', 'the queue was closed', { hint: 'close it after the sender was stopped' })
  }

  /** Every listener of the channel hears `payload`, this process's own included. */
  async function notify(payload: string): Promise<void> {
    const statement = 'select 1 as one from (select pg_notify($1::text, $2::text)) as rung'
    try {
      await timeouts.within((wait) => query(statement, [channel, payload], undefined, wait))
    } catch (error) {
      throw unavailable(error)
    }
  }

  return {
    async ring(inMs) {
      open()
      await notify(String(Math.ceil(inMs)))
    },
    async listen(onRing, listenOptions) {
      open()
      const listening = await startListener(
        { client: options.listener, channel, heartbeatMs, notify, clock, random, unavailable },
        onRing,
        listenOptions,
      )
      const stop = (drainMs: Ms) => listening.stop(drainMs).finally(() => listeners.delete(listening))
      if (closed !== undefined) await stop(0)
      open()
      listeners.add(listening)
      return { stop }
    },
    close() {
      closed ??= Promise.all([...listeners].map((one) => one.stop(0))).then(() => {})
      return closed
    },
  }
}

/** What a driver reports, as an error of a queue, without a parameter. */
function unavailable(error: unknown): QueueError {
  if (error instanceof QueueError) return error
  return new QueueError('queue_unavailable', 'the connection to PostgreSQL failed', {
    hint: 'look at its cause; rings are lost meanwhile, and polling finds the work',
    cause: storageError(error),
  })
}
