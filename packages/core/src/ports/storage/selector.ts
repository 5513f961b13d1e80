/** Which deliveries, or messages. All that is given must hold. */
export interface Selector {
  readonly tenant: string
  readonly delivery?: string
  readonly endpoint?: string
  readonly message?: string
  readonly states?: readonly DeliveryState[]
  readonly types?: readonly string[]
  /** Created at or after. */
  readonly since?: Date
  /** Created before. */
  readonly until?: Date
}

/** `sending` is in flight, `pending` has not been tried, `retrying` waits; the others are ends. */
export type DeliveryState = 'pending' | 'sending' | 'retrying' | 'delivered' | 'failed' | 'cancelled' | 'skipped'
