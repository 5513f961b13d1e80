import type { Logger } from '@hooks/core'

/** What a sender tells its host, by name. */
export interface OperationalEvents {
  /** A delivery succeeded. */
  'delivery.delivered': DeliveryEvent
  /** A delivery has failed for good: its schedule is exhausted, or its receiver or a person ended it. */
  'delivery.failed': DeliveryEvent & { readonly reason: string }
  /** An attempt failed, and another will be made. */
  'attempt.failed': DeliveryEvent & { readonly retryInMs: number; readonly status?: number; readonly error?: string }
  /** An endpoint was disabled by the sender itself: `gone` after a 410. */
  'endpoint.disabled': { readonly tenant: string; readonly endpointId: string; readonly reason: string }
}

export interface DeliveryEvent {
  readonly tenant: string
  readonly type: string
  readonly messageId: string
  readonly endpointId: string
  readonly deliveryId: string
  /** The number of the attempt that decided it. */
  readonly attempt: number
}

export type OperationalEvent = keyof OperationalEvents
export type OperationalListener<E extends OperationalEvent> = (event: OperationalEvents[E]) => void | Promise<void>

/** Listeners by event. One that throws or rejects is logged, and disturbs neither the others nor the sender. */
export interface Emitter {
  on<E extends OperationalEvent>(name: E, listener: OperationalListener<E>): void
  emit<E extends OperationalEvent>(name: E, event: OperationalEvents[E]): void
}

export function createEmitter(logger: Logger): Emitter {
  const listeners = new Map<string, ((event: never) => void | Promise<void>)[]>()
  const tell = async (name: string, listener: (event: never) => void | Promise<void>, event: unknown) => {
    try {
      await listener(event as never)
    } catch (error) {
      logger.error({ error, event: name }, 'hooks: a listener of an operational event failed')
    }
  }
  return {
    on(name, listener) {
      listeners.set(name, [...(listeners.get(name) ?? []), listener])
    },
    emit(name, event) {
      for (const listener of listeners.get(name) ?? []) void tell(name, listener, event)
    },
  }
}
