import { type Clock, createAnswering, type Listening, type ListenOptions, type Ms } from '@hooks/core'
import { type ConnectionOptions, Worker } from 'bullmq'
import { unavailable } from './deadline.ts'
import type { RingJob } from './ring-job.ts'

/** What {@link startListener} needs of the queue. */
export interface ListenerOptions {
  readonly name: string
  readonly prefix: string
  readonly connection: ConnectionOptions
  readonly clock: Clock
  /** Lets rings of this name be made again. */
  readonly forget: (ring: string) => Promise<void>
  /** Makes a ring for others, in place of one that came too late for this listener. */
  readonly handOn: () => Promise<void>
  /** Rejects where Redis does not answer. */
  readonly probe: () => Promise<void>
}

/** How long BullMQ takes a job for alive without a sign of its listener. */
const LOCK_MS: Ms = 15_000
/** How long a listener may take to let go of Redis. */
const LET_GO_MS: Ms = 1_500

/** A BullMQ worker whose jobs are rings. */
export function startListener(
  { name, prefix, connection, clock, forget, handOn, probe }: ListenerOptions,
  onRing: (signal: AbortSignal) => Promise<void>,
  { concurrency, onError }: ListenOptions,
): Listening {
  const answering = createAnswering(onRing, { concurrency, ...(onError && { onError }) }, clock)
  const report = (error: unknown) => onError?.(unavailable(error))
  let stopped: Promise<void> | undefined
  let wasReady = false

  const worker = new Worker<RingJob>(
    name,
    async ({ data }) => {
      // First, so that a ring from now on is a job of its own: the answer to this one has not begun.
      await forget(data.ring).catch(report)
      await (stopped === undefined ? answering.ring() : handOn().catch(report))
    },
    { connection, prefix, concurrency, lockDuration: LOCK_MS, stalledInterval: LOCK_MS },
  )
  worker.on('ready', () => {
    wasReady = true
  })
  worker.on('error', report)

  async function stop(drainMs: Ms): Promise<void> {
    // What is paused takes no job, whether Redis is there or not.
    await worker.pause(true)
    // One that waits for a Redis that is away would keep the process from ending, as long as it is away.
    const isThere = wasReady
      ? probe().then(
          () => true,
          () => false,
        )
      : Promise.resolve(false)
    const closed = isThere
      .then((isThere) => worker.close(!isThere))
      .catch(report)
      .then(() => true)
    await answering.stop(drainMs)
    const enough = new AbortController()
    const isClosed = await Promise.race([closed, clock.sleep(LET_GO_MS, enough.signal).then(() => false)])
    enough.abort()
    if (!isClosed) void worker.disconnect().catch(report)
  }

  return {
    stop(drainMs) {
      stopped ??= stop(drainMs)
      return stopped
    },
  }
}
