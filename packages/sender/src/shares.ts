import type { DeliveryLease, Storage } from '@hooks/core'

/** The part of a worker that failing endpoints have, all together, and that one tenant has while others wait. */
const SHARE = 1 / 4

type ClaimOptions = Parameters<Storage['claim']>[0]

/** What this process has, and of what the next claim may have how much. */
export interface Shares {
  /** It is claimed. */
  begin(lease: DeliveryLease): void
  /** It is done, or given back: once for each that has begun. */
  end(lease: DeliveryLease): void
  readonly claim: Pick<ClaimOptions, 'failingLimit' | 'tenants'>
  /** Failing endpoints have all that they may have. */
  readonly isFull: boolean
}

/**
 * Shares of a worker's slots: a time-out of a failing endpoint holds one for long, and a tenant with very many endpoints
 * could fill them all. Over several workers the shares add up.
 *
 * They are numbers alone. A set of leases would keep them alive long after their end: in its old tables, which it leaves
 * behind as leases come and go.
 */
export function createShares(concurrency: number): Shares {
  const most = Math.max(1, Math.floor(concurrency * SHARE))
  /** By tenant. Without a prototype, for a tenant may be called anything. */
  const running: Record<string, number> = Object.create(null)
  let failing = 0
  // As long as there is one tenant alone, nobody has to be passed over, which costs a storage a look at each lane.
  let only: string | undefined
  let several = false
  return {
    begin(lease) {
      const { endpoint, lane } = lease
      only ??= endpoint.tenant
      several ||= only !== endpoint.tenant
      running[endpoint.tenant] = (running[endpoint.tenant] ?? 0) + 1
      if (lane.failing) failing++
    },
    end(lease) {
      const { endpoint, lane } = lease
      const left = (running[endpoint.tenant] ?? 1) - 1
      if (left > 0) running[endpoint.tenant] = left
      else delete running[endpoint.tenant]
      if (lane.failing) failing--
    },
    get claim() {
      const failingLimit = Math.max(0, most - failing)
      return several ? { failingLimit, tenants: { most, running } } : { failingLimit }
    },
    get isFull() {
      return failing >= most
    },
  }
}
