import {
  type Clock,
  createAnswering,
  holdRings,
  type Listening,
  type ListenOptions,
  type Ms,
  type QueueError,
} from '@hooks/core'
import type { NatsClient } from './client.ts'
import { unavailable } from './deadline.ts'
import { denied, isDenied } from './permissions.ts'

/** What {@link startListener} needs of the queue. */
export interface ListenerOptions {
  readonly connection: NatsClient
  readonly subject: string
  readonly clock: Clock
  /** Makes a ring for others, in place of one that this listener gives up. */
  readonly handOn: (inMs: Ms) => Promise<void>
}

/** A listener, and why the server has refused it, if it has. */
export interface Subscribed extends Listening {
  readonly refusal: QueueError | undefined
}

/** Everybody who listens is in this group, so the server gives each ring to one. */
const GROUP = 'hooks'

/** A member of the queue group, which keeps rings for later until they are due. */
export function startListener(
  { connection, subject, clock, handOn }: ListenerOptions,
  onRing: (signal: AbortSignal) => Promise<void>,
  { concurrency, onError }: ListenOptions,
): Subscribed {
  const answering = createAnswering(onRing, { concurrency, ...(onError && { onError }) }, clock)
  const report = (error: unknown) => onError?.(unavailable(error))
  const held = holdRings(clock, () => void answering.ring())
  let stopped: Promise<void> | undefined
  let refusal: QueueError | undefined

  const subscription = connection.subscribe(subject, {
    queue: GROUP,
    callback(error, message) {
      if (error) {
        if (isDenied(error)) refusal = denied('subscribing', subject, error)
        return report(refusal ?? error)
      }
      const inMs = Number(new TextDecoder().decode(message.data))
      // Whoever else may publish there: what is no number is a ring for now.
      if (inMs > 0) held.hold(inMs)
      else void answering.ring()
    },
  })

  // After it: a connection that takes no subscription keeps no iterator.
  const status = connection.status()

  async function watch(): Promise<void> {
    for await (const { type } of status) {
      if (type === 'disconnect' || type === 'staleConnection') report(new Error(`the connection is lost: ${type}`))
    }
    if (stopped === undefined) report(new Error('the connection was closed, and will not come back'))
  }

  async function stop(drainMs: Ms): Promise<void> {
    if (!connection.isClosed())
      subscription.unsubscribe()
      // The libraries' iterators have it; the interface of the language does not.
    ;(status as { stop?(): void }).stop?.()
    const rings = held.release().map((inMs) => handOn(inMs).catch(report))
    await answering.stop(drainMs)
    await Promise.all(rings)
  }

  void watch().catch(report)
  return {
    get refusal() {
      return refusal
    },
    stop(drainMs) {
      stopped ??= stop(drainMs)
      return stopped
    },
  }
}
