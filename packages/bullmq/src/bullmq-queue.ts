import {
  type Clock,
  ConfigurationError,
  checkOptions,
  kind,
  type Listening,
  type Ms,
  type OptionsRule,
  type Queue,
  QueueError,
  systemClock,
  wholeFrom,
} from '@hooks/core'
import { Queue as BullmqQueue, type ConnectionOptions } from 'bullmq'
import { atMost } from './deadline.ts'
import { startListener } from './listener.ts'
import { type RingJob, ringJob } from './ring-job.ts'

/** Options of {@link bullmqQueue}. */
export interface BullmqQueueOptions {
  /**
   * Redis, as BullMQ takes it: connection options, or a client (ioredis with `maxRetriesPerRequest: null`). Connections
   * that are made from options are closed with the queue; a client of yours stays open. Listening takes one more, for
   * waiting.
   */
  readonly connection: ConnectionOptions
  /**
   * The BullMQ queue, by the name that its tools show: `hooks` by default. Senders on one storage use one name; senders
   * on another storage need another.
   */
  readonly name?: string
  /** What the keys in Redis begin with: `bull` by default, as everywhere in BullMQ. In a cluster, such as `{hooks}`. */
  readonly prefix?: string
  /** How many answered rings stay on view in BullMQ's tools: 100 by default. */
  readonly keep?: number
  readonly clock?: Clock
}

const RULE: OptionsRule<keyof BullmqQueueOptions> = {
  of: 'bullmqQueue',
  needs: ['connection'],
  kinds: {
    connection: kind.object,
    // BullMQ itself refuses others, but not before the first ring.
    name: { words: 'a text without colons', fits: (value) => typeof value === 'string' && /^[^:]+$/.test(value) },
    prefix: kind.text,
    keep: wholeFrom(0),
    clock: kind.clock,
  },
}

/** How long Redis may take for a ring, and to let go. */
const TAKE_MS: Ms = 3_000
const LET_GO_MS: Ms = 1_500
/** How long it may take to say that it is there. */
const PROBE_MS: Ms = 1_000

/**
 * A queue on BullMQ: processes that send ring, and of those that work, on whatever machine, one that has time hears. A
 * ring is a job without work in it; rings that wait together are one job; delayed rings are delayed jobs. Whatever
 * happens to Redis, nothing is lost: the storage has the work, and polling finds it.
 *
 * @example
 * const queue = bullmqQueue({ connection: { host: '127.0.0.1', port: 6379 } })
 * const hooks = createSender({ contract, storage, queue, poll: '30s' })
 *
 * @throws ConfigurationError `option_invalid`
 */
export function bullmqQueue(options: BullmqQueueOptions): Queue {
  checkOptions(options, RULE)
  checkConnection(options.connection)
  const { connection, name = 'hooks', prefix = 'bull', keep = 100, clock = systemClock } = options
  const listeners = new Set<Listening>()
  let bullmq: BullmqQueue<RingJob> | undefined
  let closed: Promise<void> | undefined

  function open(): void {
    if (closed === undefined) return
    throw new QueueError('queue_closed', 'the queue was closed', { hint: 'close it after the sender was stopped' })
  }

  /** Connects when it is first needed: a process may listen only, or be stopped before it rings. */
  function connected(): BullmqQueue<RingJob> {
    if (!bullmq) {
      bullmq = new BullmqQueue<RingJob>(name, { connection, prefix })
      // Whoever rings is told by the ring; an event without a listener would end the process.
      bullmq.on('error', () => {})
    }
    return bullmq
  }

  async function add(inMs: Ms): Promise<void> {
    const job = ringJob(inMs, clock.now(), keep)
    await atMost(TAKE_MS, clock, connected().add('ring', job.data, job.options))
  }

  async function close(): Promise<void> {
    await Promise.all([...listeners].map((one) => one.stop(0)))
    const queue = bullmq
    if (!queue) return
    const done = queue.close()
    // Redis may be away, and BullMQ would wait for it.
    await atMost(LET_GO_MS, clock, done).catch(() => void queue.disconnect().catch(() => {}))
  }

  return {
    async ring(inMs) {
      open()
      await add(inMs)
    },
    async listen(onRing, listenOptions) {
      open()
      const listening = startListener(
        {
          name,
          prefix,
          connection,
          clock,
          forget: async (ring) => void (await atMost(TAKE_MS, clock, connected().removeDeduplicationKey(ring))),
          handOn: () => add(0),
          probe: async () => void (await atMost(PROBE_MS, clock, connected().getDeduplicationJobId('none'))),
        },
        onRing,
        listenOptions,
      )
      listeners.add(listening)
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

/** Refuses what BullMQ would refuse as it listens, when nobody is there to hear of it, or would not work with. */
function checkConnection(connection: object): void {
  const { options: own = connection } = connection as { readonly options?: object }
  const { redisOptions = own } = own as { readonly redisOptions?: object }
  const { maxRetriesPerRequest, keyPrefix } = redisOptions as Readonly<Record<string, unknown>>
  if (own !== connection && maxRetriesPerRequest)
    throw new ConfigurationError('option_invalid', 'the client gives up commands that have to wait', {
      hint: 'new Redis(url, { maxRetriesPerRequest: null }), or the options of a connection',
    })
  if (keyPrefix)
    throw new ConfigurationError('option_invalid', 'the connection has a keyPrefix, which BullMQ does not work with', {
      hint: 'use the `prefix` of bullmqQueue',
    })
}
