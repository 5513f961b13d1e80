import type { DeliveryLease, Duration, Ms, Storage } from '@hooks/core'
import type { Transport } from '../../seams.ts'
import type { Dice } from './dice.ts'

/** Bugs that a simulation must find: if it did not, it could not see. */
export const PLANTED_BUGS = [
  'ack_first',
  'no_fence',
  'double_claim',
  'crashes_charged',
  'claims_not_counted',
  'wall_clock_lease',
  'retry_after_unclamped',
  'body_error_as_failure',
  'order_ignored',
  'rings_only',
] as const
export type PlantedBug = (typeof PLANTED_BUGS)[number]

/** How often the senders of a run look for work by themselves. `rings_only` is one that relies on the queue to be told. */
export const pollOf = (bug: PlantedBug | undefined): Duration => (bug === 'rings_only' ? '30d' : '3s')

/** Where a bug sits: between a process and its storage, or its network. */
export interface Planted {
  /** `skewMs` is how far the process's own clock is ahead of the storage's. */
  readonly storage?: (storage: Storage, skewMs: Ms) => Storage
  readonly transport?: (transport: Transport) => Transport
}

/** Puts a bug into each process of a run. What the bug remembers, all of them share. */
export function plant(bug: PlantedBug, dice: Dice): Planted {
  const wishes = new Map<string, string>()
  const latest = new Map<string, string>()
  let last: readonly DeliveryLease[] = []
  const overrides: Partial<Record<PlantedBug, (storage: Storage, skewMs: Ms) => Partial<Storage>>> = {
    /** Work is marked as done when it is claimed: at most once, and lost with the process. */
    ack_first: (storage) => ({
      async claim(options) {
        const leases = await storage.claim(options)
        const attempt = { ms: 0, status: 200, trigger: 'schedule' as const }
        await storage.settle(leases.map(({ key, token }) => ({ key, token, result: 'delivered' as const, attempt })))
        return leases
      },
    }),
    /** Whoever finishes is believed, whoever holds the work by now. */
    no_fence: (storage) => ({
      async claim(options) {
        const leases = await storage.claim(options)
        for (const { key, token } of leases) latest.set(key, token)
        return leases
      },
      settle: (settlements) =>
        storage.settle(settlements.map((one) => ({ ...one, token: latest.get(one.key) ?? one.token }))),
    }),
    /** A lease does not keep others from claiming. */
    double_claim: (storage) => ({
      async claim(options) {
        const again = dice.chance(0.2) ? last : []
        const leases = await storage.claim(options)
        last = leases
        return [...leases, ...again].slice(0, options.limit)
      },
    }),
    /** A crash costs the customer one of the promised attempts. */
    crashes_charged: (storage) => ({
      async claim(options) {
        const leases = await storage.claim(options)
        return leases.map((lease) => ({ ...lease, step: lease.step + lease.claims - 1 }))
      },
    }),
    /** What ends its worker each time is begun for ever. */
    claims_not_counted: (storage) => ({
      claim: async (options) => (await storage.claim(options)).map((lease) => ({ ...lease, claims: 1 })),
    }),
    /** The end of a lease is written, and believed, as the worker's own clock has it. */
    wall_clock_lease: (storage, skewMs) => ({
      async claim(options) {
        const leases = await storage.claim({ ...options, leaseMs: Math.max(0, options.leaseMs + skewMs) })
        return leases.map((lease) => ({ ...lease, leaseLeftMs: options.leaseMs }))
      },
    }),
    /** Whatever stands in `Retry-After` is taken for a number, and heeded. */
    retry_after_unclamped: (storage) => ({
      hold: (changes) =>
        storage.hold(
          changes.map((change) => {
            const wish = Number(wishes.get(change.endpointId)) * 1_000
            return change.forMs && wish > change.forMs ? { ...change, forMs: wish } : change
          }),
        ),
    }),
    /** What was sent in an order is delivered in none. */
    order_ignored: (storage) => ({
      put: (messages) => storage.put(messages.map(({ orderingKey: _key, ...message }) => message)),
    }),
  }
  const transports: Partial<Record<PlantedBug, (transport: Transport) => Transport>> = {
    retry_after_unclamped: (transport) => ({
      async send(request) {
        const answer = await transport.send(request)
        const wish = 'status' in answer ? answer.headers['retry-after'] : undefined
        if (wish !== undefined) wishes.set(request.url.pathname.slice(1), wish)
        return answer
      },
    }),
    /** A success whose body breaks off counts as a failure. */
    body_error_as_failure: (transport) => ({
      async send(request) {
        const answer = await transport.send(request)
        if (!('status' in answer) || !answer.truncated) return answer
        return { error: 'response_broken', detail: 'simulated', ms: answer.ms, sent: true }
      },
    }),
  }
  const override = overrides[bug]
  const transport = transports[bug]
  return {
    ...(transport && { transport }),
    ...(override && {
      storage: (storage: Storage, skewMs: Ms) => {
        const overridden = override(storage, skewMs)
        return new Proxy(storage, { get: (target, key) => Reflect.get(overridden, key) ?? Reflect.get(target, key) })
      },
    }),
  }
}
