import {
  type AttemptRecord,
  type Contract,
  checkOptions,
  type DeliveryState,
  type DeliveryView,
  EndpointError,
  kind,
  listOf,
  type OptionsRule,
  type Page,
  type Paged,
  type Seams,
  type Selector,
  type Storage,
} from '@hooks/core'
import { pageAndFilter } from './page.ts'
import { type DeliveryRequest, requestOf } from './request.ts'
import { deliveryInFlight, type Resend } from './resend.ts'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

/** Which deliveries, of the tenant that is named beside it. */
export type DeliveryFilter = Omit<Selector, 'tenant' | 'delivery'> & Partial<Page>

/** Deliveries: one message for one endpoint, one row for all its life. */
export interface DeliveriesApi {
  /** @throws EndpointError `delivery_not_found` */
  get(tenant: string, id: string): Promise<DeliveryView>
  /**
   * Newest first; 50 a page by default, 250 at most. By `cursor`, or by `offset` with a `total`.
   *
   * @throws ConfigurationError `option_invalid`
   */
  list(tenant: string, filter?: DeliveryFilter): Promise<Paged<DeliveryView>>
  /** Every attempt, oldest first. @throws EndpointError `delivery_not_found` */
  attempts(tenant: string, id: string): Promise<readonly AttemptRecord[]>
  /** What it sends, or sent, but for its signature and its endpoint's own headers. @throws EndpointError `delivery_not_found` */
  request(tenant: string, id: string): Promise<DeliveryRequest>
  /** How many are in each state. */
  stats(tenant: string, filter?: Omit<DeliveryFilter, keyof Page>): Promise<Readonly<Record<DeliveryState, number>>>
  /**
   * Sends it again, now and with the whole schedule before it: same id, same bytes, fresh time, the current secret.
   *
   * The same `idempotencyKey` again, within a day, sends nothing; for another delivery it is `idempotency_conflict`.
   *
   * @throws EndpointError `delivery_not_found`, `delivery_in_flight`, `payload_expired`, `endpoint_disabled` where its endpoint is disabled or gone
   * @throws PayloadError `idempotency_*`
   */
  resend(tenant: string, id: string, options?: { readonly idempotencyKey?: string }): Promise<DeliveryView>
  /** Gives up what is waiting. @throws EndpointError `delivery_not_found`, `delivery_in_flight` */
  cancel(tenant: string, id: string): Promise<DeliveryView>
}

const FILTER: OptionsRule<keyof Omit<DeliveryFilter, keyof Page>> = {
  of: 'a filter of deliveries',
  kinds: {
    endpoint: kind.text,
    message: kind.text,
    states: listOf('pending', 'sending', 'retrying', 'delivered', 'failed', 'cancelled', 'skipped'),
    types: kind.texts,
    since: kind.time,
    until: kind.time,
  },
}

/** How often a delivery that changes at the same time is asked to end. */
const MOST_TRIES = 5

/** What {@link createDeliveries} needs. */
export interface DeliveriesOptions extends Seams {
  readonly contract: Contract
  readonly storage: Storage
  readonly resend: Resend
  readonly wake: () => void
}

export function createDeliveries(options: DeliveriesOptions): DeliveriesApi {
  const { contract, storage, wake } = options
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, options)

  async function find(tenant: string, id: string): Promise<DeliveryView> {
    checkTenant(tenant)
    const delivery = await stored(() => storage.history.delivery(tenant, id))
    if (delivery) return delivery
    throw notFound()
  }

  function notFound(): EndpointError {
    return new EndpointError('delivery_not_found', 'the tenant has no such delivery')
  }

  return {
    get: find,
    async list(tenant, wanted = {}) {
      checkTenant(tenant)
      const { page, filter } = pageAndFilter(wanted)
      checkOptions(filter, FILTER)
      return stored(() => storage.history.deliveries({ ...filter, tenant }, page))
    },
    async attempts(tenant, id) {
      await find(tenant, id)
      return stored(() => storage.history.attempts(tenant, id))
    },
    async request(tenant, id) {
      const delivery = await find(tenant, id)
      const [message, endpoint] = await Promise.all([
        stored(() => storage.history.message(tenant, delivery.messageId)),
        stored(() => storage.endpoints.get(tenant, delivery.endpointId)),
      ])
      if (message) return requestOf(contract, delivery, message, endpoint?.url ?? null)
      // Expunged in between.
      throw notFound()
    },
    async stats(tenant, filter = {}) {
      checkTenant(tenant)
      checkOptions(filter, FILTER)
      return stored(() => storage.history.stats({ ...filter, tenant }))
    },
    async resend(tenant, id, { idempotencyKey } = {}) {
      await options.resend(await find(tenant, id), idempotencyKey)
      wake()
      return find(tenant, id)
    },
    async cancel(tenant, id) {
      await find(tenant, id)
      const to = { state: 'cancelled', reason: 'cancelled' } as const
      // One that is claimed, or whose attempt ends, at the same moment is looked at again: it must not seem to be given up.
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const ended = await stored(() => storage.retire({ tenant, delivery: id }, to, 1))
        const delivery = await find(tenant, id)
        if (ended > 0 || delivery.finishedAt !== null) return delivery
        if (delivery.state === 'sending') break
      }
      throw deliveryInFlight()
    },
  }
}
