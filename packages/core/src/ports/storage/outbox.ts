import type { MaybePromise, Ms } from '../../seams.ts'

/** Messages that are sent, and not yet matched with endpoints. */
export interface Outbox<Tx> {
  /**
   * Stores messages, each with its outbox mark, all or none. With `tx`: in that transaction and through nothing
   * else, with no BEGIN or COMMIT of its own. On a synchronous handle it has run, or thrown, when it returns.
   *
   * A message whose id is there already is the same call again: `created`. One whose idempotency key is there
   * already for its tenant, within {@link NewMessage.idempotencyKeepMs}, is a `duplicate` of the first message (its
   * id is returned) if type and data are equal, else a `conflict`; neither stores anything.
   */
  put(messages: readonly NewMessage[], tx?: Tx): MaybePromise<readonly PutResult[]>
  /** Committed messages whose mark is due, oldest first. It locks and changes nothing. */
  unexpanded(limit: number): Promise<readonly StoredMessage[]>
  /**
   * Per message: removes its mark AND inserts its deliveries, or does nothing, because another did. Deliveries
   * are due at once and their lanes ready. For an endpoint that is disabled by now the delivery is recorded as
   * `skipped` (`endpoint_disabled`), for one that is gone nothing is.
   *
   * A message with an ordering key never overtakes one of its tenant and key that was put before it: while the mark of
   * such a one is there, and is not of this very call, it is left as it is, mark and all, and the next `unexpanded`
   * finds it. What its deliveries wait for is told at `Deliveries`.
   */
  expand(
    expansions: readonly { readonly messageId: string; readonly deliveries: readonly NewDelivery[] }[],
  ): Promise<void>
}

/** A message as it is sent. */
export interface NewMessage {
  readonly id: string
  readonly type: string
  readonly tenant: string
  readonly occurredAt: Date
  /** JSON text. It is stored as text: a JSON column would reorder and renumber it. */
  readonly data: string
  readonly idempotencyKey?: string
  /** How long the key is remembered. */
  readonly idempotencyKeepMs?: Ms
  /** Only endpoints of one of these channels. */
  readonly channels?: readonly string[]
  /** Only these endpoints. */
  readonly endpoints?: readonly string[]
  /** From now, by the store's clock: matched and delivered no earlier. */
  readonly dueInMs?: Ms
  /**
   * Of two messages of one tenant and key, the one whose transaction was committed before the other was put is ended at
   * an endpoint before the other starts there. Messages of concurrent transactions have no order. Never together with
   * `dueInMs`.
   */
  readonly orderingKey?: string
  /** How long, at most, it waits at each endpoint for the one before it; undefined for as long as that takes. */
  readonly orderingWaitMs?: Ms
}

/** What sending a message came to. Of a `duplicate`, the id is the first message's. */
export interface PutResult {
  readonly id: string
  readonly outcome: 'created' | 'duplicate' | 'conflict'
}

/** A message as it is matched to endpoints. */
export interface StoredMessage extends Omit<NewMessage, 'dueInMs' | 'idempotencyKeepMs' | 'orderingWaitMs'> {
  readonly createdAt: Date
}

/** A message for one endpoint, to be delivered. */
export interface NewDelivery {
  readonly id: string
  readonly endpointId: string
  /** How its body is composed, as its endpoint wanted it when it was matched: kept, and given back with each lease. */
  readonly variant?: string
}
