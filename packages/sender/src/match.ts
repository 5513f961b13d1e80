import { type Endpoint, EndpointError, type Events, type StoredMessage } from '@hooks/core'
import { type DataFilter, matchesData } from './data-filter.ts'
import { nearest } from './nearest.ts'

/** Why an endpoint gets no delivery of a message. */
export type Mismatch = 'not_subscribed' | 'other_channel' | 'not_addressed' | 'filtered'

/**
 * Whether an endpoint is to get a message: null, or the reason why not. The one function for every database; a
 * disabled endpoint matches too, so that what it misses is on record. A filter on data that is not kept any more lets it
 * through.
 */
export function mismatch(
  message: Pick<StoredMessage, 'type' | 'channels' | 'endpoints'> & { readonly data?: string | undefined },
  endpoint: Pick<Endpoint, 'id' | 'filters' | 'channels'> & { readonly settings?: Endpoint['settings'] },
): Mismatch | null {
  // A message for named endpoints, such as a test, goes to them whatever they subscribed to.
  if (message.endpoints) return message.endpoints.includes(endpoint.id) ? null : 'not_addressed'
  if (endpoint.filters && !endpoint.filters.some((filter) => accepts(filter, message.type))) return 'not_subscribed'
  if (endpoint.channels && !message.channels?.some((channel) => endpoint.channels?.includes(channel)))
    return 'other_channel'
  const { filter } = (endpoint.settings ?? {}) as { readonly filter?: DataFilter | null }
  if (filter && message.data && !matchesData(filter, JSON.parse(message.data))) return 'filtered'
  return null
}

/** `booking.*` is every type below `booking`, at any depth, and not `booking` itself. */
function accepts(filter: string, type: string): boolean {
  return filter.endsWith('.*') ? type.startsWith(filter.slice(0, -1)) : type === filter
}

/** The most filters of one endpoint. */
export const MOST_FILTERS = 20

/**
 * Refuses filters that could match nothing. `undefined` means every type.
 *
 * @throws EndpointError `filter_invalid`
 */
export function checkFilters(filters: unknown, events: Events): readonly string[] | null {
  if (filters === undefined || filters === null) return null
  if (!Array.isArray(filters) || filters.length === 0) {
    throw filterInvalid('events must be a list of event types', 'leave `events` out to subscribe to all of them')
  }
  if (filters.length > MOST_FILTERS) {
    throw filterInvalid(`events holds more than ${MOST_FILTERS} entries`, 'use patterns such as "booking.*"')
  }
  for (const [i, filter] of filters.entries()) {
    const known = typeof filter === 'string' && events.types.some((type) => accepts(filter, type))
    if (!known)
      throw filterInvalid(
        `events[${i}] is no event type of the catalog and no pattern of one`,
        `types: ${nearest(String(filter).slice(0, 128), events.types)}`,
      )
  }
  return [...new Set(filters as string[])]
}

function filterInvalid(message: string, hint: string): EndpointError {
  return new EndpointError('filter_invalid', message, { hint })
}
