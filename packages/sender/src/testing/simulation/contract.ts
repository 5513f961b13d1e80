import { defineContract, defineEvents, type Ms } from '@hooks/core'

export const RETRY = ['0s', '2s', '5s', '10s', '20s', '20s'] as const
/** The most that jitter adds to a delay, as a part of it. */
export const JITTER = 0.2
/** How long a message is tried for: more than a run takes, and less than the schedule. */
export const MAX_AGES: readonly Ms[] = [3_600_000, 3_600_000, 30_000]
const DEADLINE: Ms = 3_000

const definitions = { 'order.paid': {}, 'order.shipped': {}, 'user.deleted': {} }
export const events = defineEvents(definitions)
export type SimulatedEvents = typeof definitions

/** What simulated senders promise. */
export const contractOf = (maxAge: Ms) =>
  defineContract({
    events,
    policy: {
      retry: [...RETRY],
      jitter: JITTER,
      deadline: DEADLINE,
      maxAge,
      breaker: { after: 4, hold: '1s', longestHold: '8s' },
    },
  })
