import type { Endpoint, Events, OutgoingDelivery } from '@hooks/core'
import { serialise } from './serialise.ts'

/** How an endpoint gets its data: as it is, or in short; as of which version. */
export interface PayloadChoice {
  readonly payload?: 'full' | 'thin'
  readonly version?: string | null
}

const VERSION = 'version='

/**
 * What an endpoint wants its bodies to be, as a text that is kept with each delivery: a later change of the endpoint does not
 * change a delivery that is under way. Undefined for the data as it was sent.
 */
export function variantOf({ settings }: Pick<Endpoint, 'settings'>): string | undefined {
  const { payload, version } = settings as PayloadChoice
  // Its name may hold a space, which is what parts the one from the other.
  const parts = [...(version ? [VERSION + encodeURIComponent(version)] : []), ...(payload === 'thin' ? ['thin'] : [])]
  return parts.length > 0 ? parts.join(' ') : undefined
}

/**
 * A delivery as its variant wants it. It is a function of what is stored and of the catalog: every attempt has the same
 * bytes, as long as the catalog's functions give the same.
 */
export function composedAs(delivery: OutgoingDelivery, variant: string | null, events: Events): OutgoingDelivery {
  if (variant === null) return delivery
  const { message } = delivery
  const event = events.get(message.type)
  let data: unknown = JSON.parse(message.data)
  for (const part of variant.split(' ')) {
    if (part === 'thin') data = event?.thin ? apply(event.thin, data) : identifiersOf(data)
    else if (part.startsWith(VERSION))
      data = apply(event?.versions?.[decodeURIComponent(part.slice(VERSION.length))], data)
  }
  return { ...delivery, message: { ...message, data: serialise(data) } }
}

const apply = (to: ((data: never) => unknown) | undefined, data: unknown) => (to ? to(data as never) : data)

const IDENTIFIER = /^id$|(?:Id|ID|_id)$/

/** The identifiers that data has: what it takes to fetch the rest. */
function identifiersOf(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return {}
  return Object.fromEntries(
    Object.entries(data).filter(([name, value]) => IDENTIFIER.test(name) && typeof value !== 'object'),
  )
}
