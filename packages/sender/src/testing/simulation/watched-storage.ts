import type { Clock, Storage } from '@hooks/core'
import type { Operations } from './books.ts'
import type { Incarnation } from './faults.ts'

/** Notes what the database really gave and took, whatever the processes heard of it. */
export function watch(
  storage: Storage,
  operations: Operations,
  clock: Clock,
  by: Incarnation,
  onJobClaimed: () => void,
): Storage {
  const watchedJobs: Pick<Storage['jobs'], 'claim'> = {
    async claim(options) {
      const leases = await storage.jobs.claim(options)
      if (leases.length > 0) onJobClaimed()
      return leases
    },
  }
  const watched: Pick<Storage, 'put' | 'claim' | 'settle' | 'jobs'> = {
    jobs: instead(storage.jobs, watchedJobs),
    async put(messages) {
      // Of one that is put again, because the answer was lost, the first counts.
      for (const { id, dueInMs = 0 } of messages)
        if (!operations.notBefore.has(id)) operations.notBefore.set(id, clock.monotonic() + dueInMs)
      return storage.put(messages)
    },
    async claim(options) {
      const leases = await storage.claim(options)
      for (const { key, token, endpoint } of leases) {
        operations.holders.set(key, token)
        operations.claimed.push({ delivery: key, endpoint: endpoint.id, at: clock.monotonic(), by })
      }
      return leases
    },
    async settle(settlements) {
      const applied = await storage.settle(settlements)
      for (const [i, { key, token, result }] of settlements.entries()) {
        if (applied[i] !== 'applied') continue
        const late = operations.holders.get(key) !== token
        operations.settled.push({ delivery: key, result, at: clock.monotonic(), by, late })
      }
      return applied
    },
  }
  return instead(storage, watched)
}

/** `target`, with `parts` in place of its own. */
function instead<T extends object>(target: T, parts: Partial<T>): T {
  return new Proxy(target, { get: (object, key) => Reflect.get(parts, key) ?? Reflect.get(object, key) })
}
