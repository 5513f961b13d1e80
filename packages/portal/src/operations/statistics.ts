import type { DeliveryState } from '@hooks/core'
import type { Call } from '../call.ts'

/** Deliveries by the product's words, and their `total`, of the tenant or of one endpoint, in a stretch of time where one is given. */
export async function statistics(
  { hooks, tenant, shape }: Call,
  endpoint?: string,
  time: { readonly since?: Date; readonly until?: Date } = {},
): Promise<Record<string, number>> {
  const counts = await hooks.deliveries.stats(tenant, { ...time, ...(endpoint !== undefined && { endpoint }) })
  const tally: Record<string, number> = { total: 0, ...Object.fromEntries(shape.words.map((word) => [word, 0])) }
  for (const [state, count] of Object.entries(counts) as [DeliveryState, number][]) {
    const word = shape.wordOf(state)
    tally[word] = (tally[word] ?? 0) + count
    tally.total = (tally.total ?? 0) + count
  }
  return tally
}
