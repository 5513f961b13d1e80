import type { Ms } from '@hooks/core'
import type { Delivery, Registered } from './records.ts'
import type { State } from './state.ts'

const nameOf = ({ endpointId, chain }: Delivery) => `${endpointId} ${chain}`

/** Puts a new delivery at its place in the chain of its endpoint and ordering key. It waits in its lane for ever. */
export function enchain({ chains }: State, delivery: Delivery): void {
  const name = nameOf(delivery)
  const chain = chains.get(name) ?? []
  chains.set(name, chain)
  const after = chain.findIndex(({ message }) => message.sequence > delivery.message.sequence)
  chain.splice(after < 0 ? chain.length : after, 0, delivery)
  delivery.waits = true
}

/** Takes a delivery out of its chain, if it is in one, and lets the next begin. */
export function unchain(state: State, delivery: Delivery, now: Ms): void {
  if (delivery.chain === null) return
  const name = nameOf(delivery)
  const chain = state.chains.get(name) ?? []
  delivery.chain = null
  delivery.waits = false
  chain.splice(chain.indexOf(delivery), 1)
  if (chain.length === 0) state.chains.delete(name)
  else advance(state, chain, now)
}

/** A delivery that waited for as long as it had to is claimed: what it waited for has no place in the order any more. */
export function overtake(state: State, delivery: Delivery, now: Ms): void {
  const chain = state.chains.get(nameOf(delivery)) ?? []
  delivery.waits = false
  for (const one of chain.filter((other) => other !== delivery && !other.waits)) unchain(state, one, now)
  advance(state, chain, now)
}

/** Lets the first of a chain begin, and the next wait for no longer than it has to. */
export function advance(state: State, chain: readonly Delivery[], now: Ms): void {
  if (!chain.some(({ waits }) => !waits)) {
    const first = chain[0] as Delivery
    first.waits = false
    postpone(state, first, now, now)
  }
  const next = chain.find(({ waits }) => waits)
  const { orderingWaitMs } = next?.message ?? {}
  if (next?.dueAt === Number.POSITIVE_INFINITY && orderingWaitMs !== undefined)
    postpone(state, next, now + orderingWaitMs, now)
}

function postpone({ endpoints, lanes }: State, delivery: Delivery, dueAt: Ms, now: Ms): void {
  const registered = endpoints.get(delivery.endpointId)
  if (registered) lanes.postpone((registered as Registered).lane, delivery, dueAt, now)
}

/** The chain that a delivery is in. */
export const chainOf = (state: State, delivery: Delivery): readonly Delivery[] =>
  state.chains.get(nameOf(delivery)) ?? []
