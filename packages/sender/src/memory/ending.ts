import type { Ms } from '@hooks/core'
import { unchain } from './order.ts'
import type { Delivery, End } from './records.ts'
import type { State } from './state.ts'

/** Ends a delivery that is in no lane any more. */
export function endDelivery(state: State, delivery: Delivery, end: End, reason: string | null, now: Ms): void {
  unchain(state, delivery, now)
  delivery.end = end
  delivery.reason = reason
  delivery.finishedAt = now
  delivery.claims = 0
  delivery.message.open--
}
