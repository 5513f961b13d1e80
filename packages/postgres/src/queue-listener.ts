import {
  backoff,
  type Clock,
  createAnswering,
  holdRings,
  type Listening,
  type ListenOptions,
  type Ms,
  QueueError,
  type Random,
} from '@hooks/core'

/** The part of a `Client` of node-postgres that is used to listen. */
export interface ListenClient {
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: each event has parameters of its own.
  on(event: string, listener: (...parameters: any[]) => void): unknown
  end(): Promise<void>
  unref?(): void
}

/** What {@link startListener} needs of the queue. */
export interface ListenerOptions {
  readonly client: () => ListenClient
  readonly channel: string
  readonly heartbeatMs: Ms
  /** By another connection than the listening one, so that what is heard has gone the whole way. */
  readonly notify: (payload: string) => Promise<void>
  readonly clock: Clock
  readonly random: Random
  readonly unavailable: (error: unknown) => QueueError
}

/** A connection that listens. */
interface Ear {
  /** Resolves with the reason when the connection is lost. */
  readonly lost: Promise<unknown>
  /** Whether what is notified is heard. */
  check(): Promise<boolean>
  close(): Promise<void>
}

/** How long a connection may take to be made, and a heartbeat to be heard. */
const ANSWER_MS: Ms = 5_000
/** Before what is no ring: a heartbeat, which its sender alone understands. */
const HEARTBEAT = 'heartbeat '

/**
 * Listens on a connection of its own, which it makes anew whenever it is lost or hears no more: a connection that the
 * network has forgotten, or that is a pooler's, looks well from here. After each gap it looks for work once, because what
 * was rung meanwhile was not heard.
 *
 * @throws QueueError `queue_unavailable`: the first connection could not be made, or does not hear
 */
export async function startListener(
  options: ListenerOptions,
  onRing: (signal: AbortSignal) => Promise<void>,
  { concurrency, onError }: ListenOptions,
): Promise<Listening> {
  const { clock, random, heartbeatMs } = options
  const answering = createAnswering(onRing, { concurrency, ...(onError && { onError }) }, clock)
  const held = holdRings(clock, () => void answering.ring())
  const stopping = new AbortController()
  const report = (error: unknown) => onError?.(options.unavailable(error))
  let stopped: Promise<void> | undefined
  const isStopped = () => stopping.signal.aborted

  function hear(payload: string): void {
    const inMs = Number(payload)
    // Whoever else may notify there: what is no number is a ring for now.
    if (inMs > 0) held.hold(inMs)
    else void answering.ring()
  }

  /** Until the connection is lost, or a heartbeat is not heard. */
  async function watch(ear: Ear): Promise<unknown> {
    let isLost = false
    const lost = ear.lost.then((reason) => {
      isLost = true
      return reason
    })
    const over = new AbortController()
    const end = () => over.abort()
    stopping.signal.addEventListener('abort', end)
    async function beat(): Promise<unknown> {
      for (;;) {
        await clock.sleep(heartbeatMs, over.signal)
        if (over.signal.aborted || isLost) return undefined
        // Where nothing can be notified, nothing is known of what would be heard.
        const heard = await ear.check().catch(() => true)
        if (!heard && !over.signal.aborted) return unheard()
      }
    }
    const reason = await Promise.race([lost, beat()])
    over.abort()
    stopping.signal.removeEventListener('abort', end)
    return reason
  }

  async function run(first: Ear): Promise<void> {
    let ear: Ear | undefined = first
    for (let tries = 0; !isStopped(); ) {
      if (ear) {
        tries = 0
        const reason = await watch(ear)
        await ear.close()
        ear = undefined
        if (!isStopped()) report(reason)
      }
      await clock.sleep(backoff(++tries, random, { firstMs: 100, mostMs: 10_000 }), stopping.signal)
      if (isStopped()) return
      try {
        ear = await openEar(options, hear)
        if (!isStopped()) void answering.ring()
      } catch (error) {
        report(error)
      }
    }
    await ear?.close()
  }

  const ear = await openEar(options, hear)
  const running = run(ear)
  return {
    stop(drainMs) {
      stopped ??= (async () => {
        stopping.abort()
        held.release()
        await answering.stop(drainMs)
        await running
      })()
      return stopped
    },
  }
}

const unheard = (): QueueError =>
  new QueueError('queue_unavailable', 'what is notified is not heard', {
    hint: 'give `listener` a connection to PostgreSQL itself: a pooler by transaction gives each statement another one',
  })

/** Connects, listens, and makes sure that it hears. */
async function openEar(
  { client: make, channel, notify, clock, random, unavailable }: ListenerOptions,
  hear: (payload: string) => void,
): Promise<Ear> {
  const client = make()
  /** The heartbeat that is waited for. */
  let expected: { readonly payload: string; readonly heard: () => void } | undefined
  let lose: (reason: unknown) => void = () => {}
  const lost = new Promise<unknown>((resolve) => {
    lose = resolve
  })
  client.on('error', lose)
  client.on('end', () => lose(new Error('the connection has ended')))
  client.on('notification', ({ channel: on, payload = '' }: { channel: string; payload?: string }) => {
    if (on !== channel) return
    if (payload === expected?.payload) expected.heard()
    else if (!payload.startsWith(HEARTBEAT)) hear(payload)
  })

  /** What `work` gives, or `late` where it takes too long. */
  async function inTime<T>(work: Promise<T>, late: T | (() => never)): Promise<T> {
    const done = new AbortController()
    work.catch(() => {})
    const sleep = clock
      .sleep(ANSWER_MS, done.signal)
      .then(() => (typeof late === 'function' ? (late as () => never)() : late))
    sleep.catch(() => {})
    try {
      return await Promise.race([work, sleep])
    } finally {
      done.abort()
    }
  }

  async function check(): Promise<boolean> {
    const payload = `${HEARTBEAT}${Buffer.from(random.bytes(9)).toString('base64url')}`
    const heard = new Promise<boolean>((resolve) => {
      expected = { payload, heard: () => resolve(true) }
    })
    await notify(payload)
    return inTime(heard, false)
  }

  async function close(): Promise<void> {
    // One that has gone silent says no farewell, and must keep no process alive.
    client.unref?.()
    await inTime(
      client.end().catch(() => {}),
      undefined,
    )
  }

  try {
    await inTime(
      (async () => {
        await client.connect()
        await client.query(`listen "${channel}"`)
      })(),
      () => {
        throw new QueueError('queue_unavailable', `PostgreSQL gave no connection within ${ANSWER_MS} ms`)
      },
    )
    if (!(await check())) throw unheard()
    return { lost, check, close }
  } catch (error) {
    await close()
    throw unavailable(error)
  }
}
