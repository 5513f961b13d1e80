import { ConfigurationError, type Logger } from '@hooks/core'

/** What a sender tells its host, by name. */
export interface OperationalEvents {
  /** A delivery succeeded. */
  'delivery.delivered': DeliveryEvent
  /** A delivery has failed for good: its schedule is exhausted, or its receiver or a person ended it. */
  'delivery.failed': DeliveryEvent & { readonly reason: string }
  /** An attempt failed, and another will be made. */
  'attempt.failed': DeliveryEvent & { readonly retryInMs: number; readonly status?: number; readonly error?: string }
  /** A delivery's schedule ran out. `delivery.failed` is told as well. */
  'delivery.exhausted': DeliveryEvent
  /**
   * An endpoint has had no success for a fifth of the time after which it is disabled (a day of five), or for a day
   * where it never is. `disableAt` is when that will be.
   */
  'endpoint.failing': EndpointFailure & { readonly disableAt: Date | null }
  /** The same after three fifths (three days of five). */
  'endpoint.disable_scheduled': EndpointFailure & { readonly disableAt: Date }
  /**
   * An endpoint was disabled by the sender itself: `failing` or `exhausted` by the policy, `gone` after a 410,
   * `disabled_by_receiver` by its header, `rejected` by `policy.classify`.
   */
  'endpoint.disabled': EndpointEvent & Partial<EndpointFailure> & { readonly reason: string }
  /** An endpoint was enabled: by hand, or by the sender for a try. */
  'endpoint.enabled': EndpointEvent & { readonly by: 'hand' | 'probe' }
  /** An endpoint that was told of as failing has had a success. */
  'endpoint.recovered': EndpointEvent
}

/** That something happened to an endpoint. */
export interface EndpointEvent {
  readonly tenant: string
  readonly endpointId: string
  readonly at: Date
}

/** What is known of an endpoint that fails, and the delivery that failed last. */
export interface EndpointFailure extends EndpointEvent {
  /** Failed attempts, and deliveries that ended so, since the last success. */
  readonly failures: number
  readonly exhausted: number
  readonly firstFailureAt: Date | null
  readonly lastFailureAt: Date | null
  readonly deliveryId: string
  readonly messageId: string
  readonly type: string
}

/** That something happened to a delivery. */
export interface DeliveryEvent {
  readonly tenant: string
  readonly type: string
  readonly messageId: string
  readonly endpointId: string
  readonly deliveryId: string
  /** The number of the attempt that decided it. */
  readonly attempt: number
  readonly at: Date
}

/** Their names, for `on`. */
const NAMES: Readonly<Record<OperationalEvent, true>> = {
  'delivery.delivered': true,
  'delivery.failed': true,
  'attempt.failed': true,
  'delivery.exhausted': true,
  'endpoint.failing': true,
  'endpoint.disable_scheduled': true,
  'endpoint.disabled': true,
  'endpoint.enabled': true,
  'endpoint.recovered': true,
}

/** The name of an operational event. */
export type OperationalEvent = keyof OperationalEvents
/** What hears of an operational event. */
export type OperationalListener<E extends OperationalEvent> = (event: OperationalEvents[E]) => void | Promise<void>

/** Listeners by event. One that throws or rejects is logged, and disturbs neither the others nor the sender. */
export interface Emitter {
  /** @throws ConfigurationError `option_invalid` */
  on<E extends OperationalEvent>(name: E, listener: OperationalListener<E>): void
  emit<E extends OperationalEvent>(name: E, event: OperationalEvents[E]): void
}

export function createEmitter(logger: Logger): Emitter {
  const listeners = new Map<string, ((event: never) => void | Promise<void>)[]>()
  const tell = (name: string, listener: (event: never) => void | Promise<void>, event: unknown) => {
    const failed = (error: unknown) =>
      logger.error({ error, event: name }, 'hooks: a listener of an operational event failed')
    try {
      const made = listener(event as never)
      // Whatever it gives: a promise of another realm or library is one, too.
      if (typeof made?.then === 'function') Promise.resolve(made).catch(failed)
    } catch (error) {
      failed(error)
    }
  }
  return {
    on(name, listener) {
      if (!Object.hasOwn(NAMES, name)) {
        throw new ConfigurationError('option_invalid', 'the sender tells of no such event', {
          hint: `events: ${Object.keys(NAMES).join(', ')}`,
        })
      }
      if (typeof listener !== 'function') throw new ConfigurationError('option_invalid', 'a listener is a function')
      listeners.set(name, [...(listeners.get(name) ?? []), listener])
    },
    emit(name, event) {
      for (const listener of listeners.get(name) ?? []) tell(name, listener, event)
    },
  }
}
