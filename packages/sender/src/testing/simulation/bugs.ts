import type { DeliveryLease, Duration, Storage } from '@hooks/core'
import type { Dice } from './faults.ts'

/** Bugs that a simulation must find: if it did not, it could not see. */
export const PLANTED_BUGS = ['ack_first', 'no_fence', 'double_claim', 'crashes_charged', 'rings_only'] as const
export type PlantedBug = (typeof PLANTED_BUGS)[number]

/** How often the senders of a run look for work by themselves. `rings_only` is one that relies on the queue to be told. */
export const pollOf = (bug: PlantedBug | undefined): Duration => (bug === 'rings_only' ? '30d' : '3s')

/** Puts a bug into each connection of a run. What the bug remembers, all of them share. */
export function plant(bug: PlantedBug, dice: Dice): (storage: Storage) => Storage {
  const latest = new Map<string, string>()
  let last: readonly DeliveryLease[] = []
  const overrides: Partial<Record<PlantedBug, (storage: Storage) => Partial<Storage>>> = {
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
  }
  return (storage) => {
    const overridden = overrides[bug]?.(storage) ?? {}
    return new Proxy(storage, { get: (target, key) => Reflect.get(overridden, key) ?? Reflect.get(target, key) })
  }
}
