import { PayloadError } from '../errors.ts'
import type { OutgoingDelivery, WireFormat } from '../format.ts'

export type Fields = Readonly<Record<string, unknown>>

/** How a provider puts several events into one request. */
export interface Batch {
  /** The events in a parsed body. */
  readonly events: (body: unknown) => unknown
  /** The body around events. */
  readonly body: (events: readonly Fields[], delivery: OutgoingDelivery) => unknown
  /** What tells an event from all others, the same in every attempt. */
  readonly idOf: (event: Fields) => string | undefined
  /** The fields of an event that is to be sent without them. */
  readonly defaults: (delivery: OutgoingDelivery, id: string) => Fields
}

/** The one type of all batches: their events have types of their own. */
export const BATCH = 'events'

/**
 * A format whose requests hold several events: one request is one message, of the type `events`. Its id is those of its
 * events, joined by commas: whoever repeats the batch repeats all of them. To send, the data is one event or an array.
 */
export function batchFormat(format: WireFormat, { events, body, idOf, defaults }: Batch): WireFormat {
  return {
    ...format,
    facts: { ...format.facts, id: 'signed' },
    check(type, data) {
      format.check?.(type, data)
      eventsOf([data].flat())
    },
    compose(delivery) {
      const { message } = delivery
      const given = eventsOf([JSON.parse(message.data)].flat())
      const all = given.map((event, i) => ({ ...defaults(delivery, i ? `${message.id}-${i}` : message.id), ...event }))
      return { body: JSON.stringify(body(all, delivery)), contentType: 'application/json' }
    },
    async seal(attempt, keys, crypto) {
      const { 'webhook-id': _, ...headers } = await format.seal(attempt, keys, crypto)
      return headers
    },
    read(request) {
      // What the format below takes for an id is not one.
      const { id: _, ...content } = format.read(request)
      const ids = eventsOf(events(content.data)).map(idOf)
      return ids.length > 0 && ids.every(Boolean) ? { ...content, id: ids.join(',') } : content
    },
  }
}

/** Refuses to send another type. @throws PayloadError `payload_invalid` */
export function checkBatchType(type: string): void {
  if (type !== BATCH) throw new PayloadError('payload_invalid', `a batch is of the type "${BATCH}"`)
}

function eventsOf(value: unknown): readonly Fields[] {
  const isEvent = (one: unknown) => typeof one === 'object' && one !== null && !Array.isArray(one)
  if (Array.isArray(value) && value.every(isEvent)) return value
  throw new PayloadError('payload_invalid', 'the body holds no list of events')
}

/** A field that can stand in an id. */
export function idText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}
