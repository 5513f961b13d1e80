import type { AttemptRecord } from './attempts.ts'
import type { NewDelivery, StoredMessage } from './outbox.ts'
import type { Page, Paged } from './page.ts'
import type { DeliveryState, Selector } from './selector.ts'

/** A delivery as it can be looked at, open or ended. */
export interface DeliveryView {
  readonly id: string
  readonly messageId: string
  readonly endpointId: string
  readonly tenant: string
  readonly type: string
  readonly state: DeliveryState
  readonly reason: string | null
  /** HTTP requests that ended. */
  readonly attempts: number
  /** Of {@link NewDelivery.variant}. */
  readonly variant: string | null
  /** The last attempt that ended. */
  readonly last: AttemptRecord | null
  /** While it waits for one. */
  readonly nextAttemptAt: Date | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** A message as history has it. */
export interface MessageRecord extends StoredMessage {
  /** Its data is no longer kept, and is an empty text here. */
  readonly expired: boolean
  /** It was matched with endpoints: it has no outbox mark any more. */
  readonly expanded: boolean
}

/** What was sent and what became of it: reading alone, a tenant at a time. */
export interface History {
  message(tenant: string, id: string): Promise<MessageRecord | null>
  /** Newest first. Of the selector, `message`, `types`, `since` and `until` apply. */
  messages(selector: Selector, page: Page): Promise<Paged<MessageRecord>>
  delivery(tenant: string, id: string): Promise<DeliveryView | null>
  /** Newest first. */
  deliveries(selector: Selector, page: Page): Promise<Paged<DeliveryView>>
  /** Oldest first. */
  attempts(tenant: string, deliveryId: string): Promise<readonly AttemptRecord[]>
  /** How many deliveries are in each state. */
  stats(selector: Selector): Promise<Readonly<Record<DeliveryState, number>>>
  /**
   * Messages of the selector that were expanded and of which its `endpoint`, which must be given, has no delivery:
   * oldest first, from after `cursor`. Of the selector, `tenant`, `types`, `since` and `until` apply beside it.
   */
  undelivered(selector: Selector & { readonly endpoint: string }, page: Page): Promise<Paged<MessageRecord>>
  /**
   * Removes every trace of a message, or, where none is named, of a tenant: messages with payloads, keys and marks,
   * deliveries with attempts, open ones too (what is in flight settles as stale); of a tenant endpoints and jobs as well.
   * In chunks of at most `limit` rows: call it until `more` is false.
   */
  expunge(
    what: { readonly tenant: string; readonly message?: string },
    limit: number,
  ): Promise<{ readonly removed: number; readonly more: boolean }>
  /**
   * Forgets, in chunks of at most `limit` rows: payloads of messages that are older and have no open delivery,
   * ended deliveries with their attempts that are older, ended jobs that are older than `historyBefore`. Idempotency
   * keys that have run out go along, and what a removal that died left open of its endpoint is ended (`Endpoints.remove`).
   */
  prune(
    what: { readonly payloadsBefore?: Date; readonly historyBefore?: Date },
    limit: number,
  ): Promise<{
    readonly removed: number
    readonly more: boolean
  }>
}
