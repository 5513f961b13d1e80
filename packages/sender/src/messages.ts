import {
  checkOptions,
  type DeliveryView,
  EndpointError,
  kind,
  type MessageRecord,
  type OptionsRule,
  type Page,
  type Paged,
  type Seams,
  type Selector,
  type Storage,
} from '@hooks/core'
import { needs } from './lacks.ts'
import { type Mismatch, mismatch } from './match.ts'
import { pageAndFilter } from './page.ts'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

/** A message as its tenant sees it. */
export interface MessageView {
  readonly id: string
  readonly type: string
  readonly occurredAt: Date
  readonly createdAt: Date
  /** As it was sent; undefined once the payload is no longer kept. */
  readonly data: unknown
}

/** What became of a message at one endpoint. */
export type MessageAtEndpoint = { readonly endpointId: string } & (
  | { readonly delivery: DeliveryView }
  /** `waiting`: not yet matched. `later`: the endpoint, or its present filters, came after the message. */
  | { readonly none: Mismatch | 'waiting' | 'later' }
)

/** Which messages, of the tenant that is named beside it. */
export type MessageFilter = Pick<Selector, 'types' | 'since' | 'until'> & Partial<Page>

/** Messages: one occurrence each, whatever the number of endpoints. */
export interface MessagesApi {
  /** With, for each endpoint of the tenant, the delivery or the reason for none. @throws EndpointError `message_not_found` */
  get(tenant: string, id: string): Promise<MessageView & { readonly endpoints: readonly MessageAtEndpoint[] }>
  /** Newest first; 50 a page by default, 250 at most. */
  list(tenant: string, filter?: MessageFilter): Promise<Paged<MessageView>>
  /**
   * Removes every trace of a message: its payload, its deliveries and what receivers answered. What is in flight ends
   * and is not recorded.
   *
   * @throws EndpointError `message_not_found`
   * @throws ConfigurationError `storage_lacks`
   */
  expunge(tenant: string, id: string): Promise<void>
}

/** What {@link createMessages} needs. */
export interface MessagesOptions extends Seams {
  readonly storage: Storage
}

const FILTER: OptionsRule<keyof Omit<MessageFilter, keyof Page>> = {
  of: 'a filter of messages',
  kinds: { types: kind.texts, since: kind.time, until: kind.time },
}
const PAGE = 250
const CHUNK = 1_000

export function createMessages({ storage, ...seams }: MessagesOptions): MessagesApi {
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, seams)

  /** All of them: an endpoint that were left out would seem to have got none. */
  async function deliveriesOf(tenant: string, message: string): Promise<readonly DeliveryView[]> {
    const all: DeliveryView[] = []
    let cursor: string | undefined
    do {
      const page = { limit: PAGE, ...(cursor !== undefined && { cursor }) }
      const { data, next } = await stored(() => storage.history.deliveries({ tenant, message }, page))
      all.push(...data)
      cursor = next
    } while (cursor !== undefined)
    return all
  }

  return {
    async get(tenant, id) {
      checkTenant(tenant)
      const message = await stored(() => storage.history.message(tenant, id))
      if (!message) throw new EndpointError('message_not_found', 'the tenant has no such message')
      const [deliveries, endpoints] = await Promise.all([
        deliveriesOf(tenant, id),
        stored(() => storage.endpoints.forTenants([tenant])),
      ])
      const delivered = new Set(deliveries.map(({ endpointId }) => endpointId))
      const none = endpoints
        .filter((endpoint) => !delivered.has(endpoint.id))
        .map((endpoint) => ({
          endpointId: endpoint.id,
          none: mismatch(message, endpoint) ?? (message.expanded ? ('later' as const) : ('waiting' as const)),
        }))
      return {
        ...view(message),
        endpoints: [...deliveries.map((delivery) => ({ endpointId: delivery.endpointId, delivery })), ...none],
      }
    },
    async list(tenant, options = {}) {
      checkTenant(tenant)
      const { page, filter } = pageAndFilter(options)
      checkOptions(filter, FILTER)
      const found = await stored(() => storage.history.messages({ ...filter, tenant }, page))
      return { ...found, data: found.data.map(view) }
    },
    async expunge(tenant, id) {
      checkTenant(tenant)
      if (!(await stored(() => storage.history.message(tenant, id))))
        throw new EndpointError('message_not_found', 'the tenant has no such message')
      await expungeAll(storage, seams, { tenant, message: id })
    },
  }
}

/** Removes what a storage has of a message or a tenant, chunk by chunk. @throws ConfigurationError `storage_lacks` */
export async function expungeAll(
  storage: Storage,
  seams: Seams,
  what: { readonly tenant: string; readonly message?: string },
): Promise<void> {
  needs(storage, 'expunge')
  while ((await withStorageRetry(() => storage.history.expunge(what, CHUNK), seams)).more);
}

function view({ id, type, occurredAt, createdAt, data, expired }: MessageRecord): MessageView {
  return { id, type, occurredAt, createdAt, data: expired ? undefined : JSON.parse(data) }
}
